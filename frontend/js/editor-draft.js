// The text that the server does not have yet, kept in this browser until a save succeeded.
const OLDEST_MS = 30 * 24 * 3600 * 1000;

export function draft(key) {
  const name = `debrief:draft:${key}`;
  return {
    keep(fields) {
      try {
        localStorage.setItem(name, JSON.stringify({ ...fields, at: Date.now() }));
        return true;
      } catch {
        return false;
      }
    },
    read() {
      try {
        const kept = JSON.parse(localStorage.getItem(name));
        return kept && typeof kept.body === "string" && Date.now() - kept.at < OLDEST_MS ? kept : null;
      } catch {
        return null;
      }
    },
    forget() {
      try {
        localStorage.removeItem(name);
      } catch {
        // Storage may be switched off; then there is nothing to forget.
      }
    },
  };
}
