/** A number and what is counted, in the singular for one: "1 byte", "0 bytes". */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** The same as a subject: "1 byte is", "0 bytes are". */
export function countIs(number: number, what: string): string {
  return `${count(number, what)} ${number === 1 ? "is" : "are"}`;
}
