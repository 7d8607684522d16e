// What the server does not have yet, kept in this browser until it does; brought back when the editor opens again.
// Each tab keeps its own: localStorage "debrief:unsent:ADDRESS:CLIENT" → {guid, at, update, text}.
const OLDEST_MS = 30 * 24 * 3600 * 1000;
const PAUSE_MS = 250;

const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decode = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function kept(prefix) {
  const found = [];
  for (const key of Object.keys(localStorage).filter((key) => key.startsWith(prefix))) {
    try {
      const raw = localStorage.getItem(key);
      const row = JSON.parse(raw);
      if (Date.now() - row.at < OLDEST_MS) found.push({ key, raw, ...row });
      else localStorage.removeItem(key);
    } catch {
      localStorage.removeItem(key);
    }
  }
  return found;
}

export function keeper(line, guid, address) {
  const prefix = `debrief:unsent:${address}:`;
  const own = `${prefix}${line.doc.clientID}`;
  let taken = [];
  let timer;

  function keep() {
    try {
      if (line.state().unsaved) {
        const row = { guid, at: Date.now(), update: encode(line.unsent()), text: line.text.toString() };
        localStorage.setItem(own, JSON.stringify(row));
        return true;
      }
      localStorage.removeItem(own);
      // What was taken over is saved now, unless its tab still lives and has kept more.
      for (const { key, raw } of taken) if (localStorage.getItem(key) === raw) localStorage.removeItem(key);
      taken = [];
      return true;
    } catch {
      return false;
    }
  }

  return {
    keep() {
      clearTimeout(timer);
      timer = setTimeout(keep, PAUSE_MS);
    },
    // Whether this browser holds what is unsaved.
    now: keep,
    // {added: whether something of an earlier visit came into the text, strange: texts that belong to another document}.
    bringBack() {
      let rows = [];
      try {
        rows = kept(prefix);
      } catch {
        // Storage is switched off: then nothing was kept.
      }
      const before = line.text.toString() + line.title.toString();
      taken = rows.filter((row) => row.guid === guid);
      for (const row of taken) line.take(decode(row.update));
      return {
        added: before !== line.text.toString() + line.title.toString(),
        strange: rows.filter((row) => row.guid !== guid),
      };
    },
  };
}
