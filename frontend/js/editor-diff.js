// Which lines two texts do not share: [{ line, same }] for each side, by longest common subsequence.
const MOST_CELLS = 4_000_000;

function trimEqual(left, right) {
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head += 1;
  let tail = 0;
  while (tail < left.length - head && tail < right.length - head && left.at(-1 - tail) === right.at(-1 - tail)) tail += 1;
  return { head, tail };
}

function common(left, right) {
  const wide = right.length + 1;
  const table = new Uint16Array((left.length + 1) * wide);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      table[i * wide + j] =
        left[i] === right[j]
          ? table[(i + 1) * wide + j + 1] + 1
          : Math.max(table[(i + 1) * wide + j], table[i * wide + j + 1]);
    }
  }
  const pairs = [new Set(), new Set()];
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    if (left[i] === right[j]) {
      pairs[0].add(i++);
      pairs[1].add(j++);
    } else if (table[(i + 1) * wide + j] >= table[i * wide + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

export function compare(leftText, rightText) {
  const left = leftText.split("\n");
  const right = rightText.split("\n");
  const { head, tail } = trimEqual(left, right);
  const middle = [left.slice(head, left.length - tail), right.slice(head, right.length - tail)];
  const small = middle[0].length * middle[1].length <= MOST_CELLS;
  const same = small ? common(...middle) : [new Set(), new Set()];
  const mark = (lines, side) =>
    lines.map((line, at) => ({
      line,
      same: at < head || at >= lines.length - tail || same[side].has(at - head),
    }));
  return [mark(left, 0), mark(right, 1)];
}
