// What each outcome of a save means (editor-send.js names them), in words and deeds.
export function answers({ form, say, same, done, stop, later }) {
  return {
    saved: ({ answer }, sent) => done(answer, sent),
    conflict({ answer }, sent) {
      // The answer to an earlier save was lost on its way: the text that stands is the one just sent.
      const theirs = { body: answer.current_body, title: answer.current_title ?? sent.title };
      if (same(theirs, sent)) return done({ version: answer.current_version, saved_at: answer.at }, sent);
      stop();
      say("Not saved: somebody else saved first. Your text is kept in this browser.", "warn");
      form.dispatchEvent(new CustomEvent("editor:conflict", { detail: answer }));
    },
    later: ({ words }) => say(`Not saved: ${words}. Your text is kept in this browser; next try in ${later()} s.`, "bad"),
    "signed-out": () =>
      say("Not saved: you were signed out. Your text is kept in this browser; sign in in another tab, then save.", "bad"),
    refused: ({ words }) => say(`Not saved: ${words} Your text is kept in this browser.`, "bad"),
  };
}

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 30000;

// Tries again later, each time after twice as long; `later()` says in how many seconds.
export function backoff(act) {
  let wait = FIRST_WAIT_MS;
  let timer;
  return {
    later() {
      const seconds = Math.round(wait / 1000);
      timer = setTimeout(act, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      return seconds;
    },
    cancel: () => clearTimeout(timer),
    reset: () => (wait = FIRST_WAIT_MS),
  };
}
