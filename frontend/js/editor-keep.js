// What the server does not have yet, kept in this browser until it does; brought back when the editor opens again.
const OLDEST_MS = 30 * 24 * 3600 * 1000;
const PAUSE_MS = 250;

const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decode = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

export function keeper(line, guid, name) {
  const key = `debrief:unsent:${name}`;
  let timer;

  function keep() {
    try {
      if (line.state().unsaved) localStorage.setItem(key, JSON.stringify({ guid, at: Date.now(), update: encode(line.unsent()) }));
      else localStorage.removeItem(key);
      return true;
    } catch {
      return false;
    }
  }

  return {
    // Whether this browser holds what is unsaved.
    keep() {
      clearTimeout(timer);
      timer = setTimeout(keep, PAUSE_MS);
    },
    now: keep,
    // True when something of an earlier visit was added to the text.
    bringBack() {
      try {
        const kept = JSON.parse(localStorage.getItem(key));
        if (!kept || kept.guid !== guid || Date.now() - kept.at > OLDEST_MS) return false;
        const before = line.text.toString() + line.title.toString();
        line.take(decode(kept.update));
        return before !== line.text.toString() + line.title.toString();
      } catch {
        return false;
      }
    },
  };
}
