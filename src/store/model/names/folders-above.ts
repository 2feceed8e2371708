/** The folders that a key or a path lies in, the outermost first: `a` and `a/b` for `a/b/c`. */
export function foldersAbove(name: string): string[] {
  const folders: string[] = [];
  for (let at = name.indexOf("/"); at !== -1; at = name.indexOf("/", at + 1)) folders.push(name.slice(0, at));
  return folders;
}
