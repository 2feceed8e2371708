/** The name that differs from the given one only in case and white space. Undefined if there is none, or several. */
export function meantName(given: string, names: readonly string[]): string | undefined {
  const alike = names.filter((name) => plain(name) === plain(given));
  return alike.length === 1 ? alike[0] : undefined;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/\s+/g, "");
