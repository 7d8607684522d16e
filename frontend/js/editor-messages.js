// The messages that are ours beside y-websocket's: incidents/writing/protocol.py.
import * as encoding from "lib0/encoding";

export const BARRIER = 4;
export const SETTLED = 5;
export const ANNOUNCE = 6;

export function numbered(kind, number) {
  const message = encoding.createEncoder();
  encoding.writeVarUint(message, kind);
  encoding.writeVarUint(message, number);
  return encoding.toUint8Array(message);
}
