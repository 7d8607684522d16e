// The line to the server: y-websocket, with three messages of our own (incidents/writing/protocol.py).
import * as decoding from "lib0/decoding";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { ANNOUNCE, BARRIER, SETTLED, numbered } from "./editor-messages.js";

// `state()` is {line: connecting|open|closed, code, unsaved}; `onState` hears each change of it.
export function link({ address, guid, onState, onAnnounce }) {
  const doc = new Y.Doc();
  const text = doc.getText(guid);
  const title = doc.getText(`${guid}:title`);
  const url = new URL(address, location.href);
  const provider = new WebsocketProvider(`${url.protocol.replace("http", "ws")}//${url.host}`, url.pathname.slice(1), doc, { disableBc: true });
  const waiting = new Map();
  let made = 0;
  let stored = 0;
  let asked = 0;
  let line = "connecting";
  let code = 0;
  let known = null;
  let version = null;

  const state = () => ({ line, code, unsaved: made > stored, version });
  const tell = () => onState(state());

  function say(kind, number) {
    if (!provider.wsconnected || !provider.synced) return false;
    provider.ws.send(numbered(kind, number));
    return true;
  }

  provider.messageHandlers[BARRIER] = (_reply, message) => {
    stored = Math.max(stored, decoding.readVarUint(message));
    if (made === stored) known = Y.encodeStateVector(doc);
    tell();
  };
  provider.messageHandlers[SETTLED] = (_reply, message) => {
    const number = decoding.readVarUint(message);
    version = decoding.readVarUint(message);
    waiting.get(number)?.(version);
    waiting.delete(number);
    tell();
  };
  provider.messageHandlers[ANNOUNCE] = (_reply, message) => onAnnounce(new TextDecoder().decode(decoding.readVarUint8Array(message)));

  doc.on("update", (_update, origin) => {
    if (origin === provider) return;
    made += 1;
    say(BARRIER, made);
    tell();
  });
  provider.on("sync", (synced) => {
    line = synced ? "open" : "connecting";
    if (synced) {
      known ??= Y.encodeStateVector(doc);
      say(BARRIER, made);
      for (const number of waiting.keys()) say(SETTLED, number);
    }
    tell();
  });
  provider.on("connection-close", () => {
    if (line === "open") line = "connecting";
    tell();
  });
  provider.on("closed", (event) => {
    line = "closed";
    code = event.code;
    tell();
  });

  return {
    doc,
    text,
    title,
    awareness: provider.awareness,
    provider,
    state,
    // What the server does not have, as far as is known.
    unsent: () => Y.encodeStateAsUpdate(doc, known ?? undefined),
    take: (update) => Y.applyUpdate(doc, update, "kept"),
    again() {
      line = "connecting";
      provider.connect();
      tell();
    },
    // The version of the post-mortem that holds all of this text, once it does.
    settled: () =>
      new Promise((resolve) => {
        asked += 1;
        waiting.set(asked, resolve);
        say(SETTLED, asked);
      }),
  };
}
