/** The first texts, at most `most` of them, and together at most `chars` long, each with a line end. */
export function upTo(texts: readonly string[], most: number, chars: number): string[] {
  let left = chars;
  const end = texts.slice(0, most).findIndex((text) => {
    left -= text.length + 1;
    return left < 0;
  });
  return texts.slice(0, end === -1 ? most : end);
}
