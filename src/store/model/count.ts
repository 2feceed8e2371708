/** A number with its noun, in the singular for 1: "1 byte", "0 bytes", "2 entries". @param many the plural of the noun */
export function count(number: number, what: string, many = `${what}s`): string {
  return `${number} ${number === 1 ? what : many}`;
}

/** A number with its noun and the verb: "1 byte is", "0 bytes are". */
export function countIs(number: number, what: string): string {
  return `${count(number, what)} ${number === 1 ? "is" : "are"}`;
}
