import type { ArchiveFolder } from "../ports/archive-folder.js";

/** Bytes that are written at once. */
const blockChars = 1 << 20;

/** Writes a file of text, which replaces the one of that name. It survives power loss. @throws ArtifactError */
export async function writeText(folder: ArchiveFolder, name: string, parts: Iterable<string>): Promise<void> {
  const target = await folder.create(name, true);
  try {
    let block = "";
    for (const part of parts) {
      block += part;
      if (block.length < blockChars) continue;
      await target.write(Buffer.from(block));
      block = "";
    }
    await target.write(Buffer.from(block));
    await target.commit();
  } finally {
    await target.discard();
  }
}
