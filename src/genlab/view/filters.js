// What a reader types into a column's filter, as a test of a cell. Numbers are numbers, "nan", "inf", "-inf", or null.

const COMPARE = {
  ">": (a, b) => a > b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, "<=": (a, b) => a <= b, "=": (a, b) => a === b, "!=": (a, b) => a !== b,
};

function asNumber(value) {
  if (value === "inf") return Infinity;
  if (value === "-inf") return -Infinity;
  return typeof value === "number" ? value : NaN;
}

// The test that a filter stands for; null where it says nothing yet, undefined where it cannot be understood.
function cellTest(typed, numeric) {
  const text = typed.trim();
  if (text === "") return null;
  if (text === "-" || text === "–") return (value) => value === null;
  if (numeric) {
    const range = text.match(/^(\S+)\s*\.\.\s*(\S+)$/);
    if (range) {
      const [low, high] = range.slice(1).map(Number);
      return Number.isNaN(low) || Number.isNaN(high) ? undefined : (value) => asNumber(value) >= low && asNumber(value) <= high;
    }
    const said = text.match(/^(>=|<=|!=|>|<|=)?\s*(\S+)$/);
    const bound = said && (said[2] === "inf" ? Infinity : said[2] === "-inf" ? -Infinity : Number(said[2]));
    if (!said || Number.isNaN(bound)) return undefined;
    const compare = COMPARE[said[1] ?? "="];
    return (value) => value !== null && compare(asNumber(value), bound);
  }
  const word = (value) => (value === null ? "" : String(value).toLowerCase());
  if (text.startsWith("=")) return (value) => word(value) === text.slice(1).trim().toLowerCase();
  if (text.startsWith("!")) return (value) => !word(value).includes(text.slice(1).trim().toLowerCase());
  return (value) => word(value).includes(text.toLowerCase());
}
