// Stretches of the text that stay what they are while it is edited around them: relative positions of Yjs, as JSON.
import * as Y from "yjs";

export function positions(text) {
  const relative = (index, side) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, index, side));
  const absolute = (json) => Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(json), text.doc);
  return {
    anchor: (from, to) => ({ start: relative(from, 0), end: relative(to, -1) }),
    // Null where that text is gone, and where the anchor is none that this document can read.
    place(anchor) {
      try {
        const [start, end] = [absolute(anchor.start), absolute(anchor.end)];
        return start?.type === text && end?.type === text && start.index < end.index ? { from: start.index, to: end.index } : null;
      } catch {
        return null;
      }
    },
  };
}
