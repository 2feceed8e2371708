import { ArtifactError } from "../../../store/model/errors.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import type { UploadSession } from "../../../store/model/upload-session.js";
import { ConfigError } from "../../options/config-error.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { jsonLine } from "../../terminal/json-text.js";
import { createListing, type ListingColumn } from "../../terminal/listing.js";
import { placeIn } from "../command-words.js";
import { messageForCommand } from "../message-for-command.js";
import type { StoreCommand, StoreCommandContext } from "../store-command.js";
import { isUploadId } from "../upload-id.js";
import { metadataText } from "./artifact-columns.js";
import { pagesOf } from "./pages.js";

const columns: readonly ListingColumn<UploadSession>[] = [
  { title: "ID", text: ({ id }) => id },
  { title: "STORED", isNumber: true, text: ({ offset }, style) => style.bytes(offset) },
  { title: "OF", isNumber: true, text: ({ size }, style) => (size === null ? "" : style.bytes(size)) },
  { title: "STATUS", text: ({ status }) => status },
  { title: "EXPIRES", text: ({ expires_at }, style) => style.time(expires_at) },
  { title: "NAME", text: ({ bucket, key }) => `${bucket}/${key}` },
  { title: "BEGUN", isLong: true, text: ({ created_at }, style) => style.time(created_at) },
  { title: "TYPE", isLong: true, text: ({ mime_type }) => mime_type },
  { title: "METADATA", isLong: true, text: ({ metadata }) => metadataText(metadata) },
];

const isAbort = ({ options }: StoreCommandConfig): boolean => options.has("abort");

export const uploads: StoreCommand = {
  isWriting: isAbort,
  isPrinter: (config) => !isAbort(config),
  check: (config) => (isAbort(config) ? idsIn(config) : placeIn(config)),
  run: (context) => (isAbort(context.config) ? abortUploads(context) : listUploads(context)),
};

async function listUploads({ config, store, terminal, signal }: StoreCommandContext): Promise<number> {
  const { bucket, key = "" } = placeIn(config) ?? {};
  const filter = { bucket, key: key === "" ? undefined : key };
  const [isJson, isLong] = [config.options.has("json"), config.options.has("long")];
  const listing = createListing<UploadSession>(terminal, { isJson, isLong, columns });
  let isNothing = true;
  for await (const { data } of pagesOf((page) => store.uploads.list({ ...filter, ...page }), signal)) {
    if (data.length > 0) isNothing = false;
    await listing.add(data);
  }
  await listing.end();
  if (isNothing && terminal.isTerminal && !isJson) terminal.problem("there are no unfinished uploads.");
  return 0;
}

/** @throws ConfigError unless the words are ids of uploads */
function idsIn({ words }: StoreCommandConfig): readonly string[] {
  if (words.length === 0) throw new ConfigError('--abort needs the ids of uploads: "artifacts-mcp uploads" lists them');
  const wrong = words.find((word) => !isUploadId(word));
  if (wrong === undefined) return words;
  throw new ConfigError(`${JSON.stringify(wrong)} is no id of an upload: "artifacts-mcp uploads" lists them`);
}

/** One that cannot be aborted is named, and the others are. */
async function abortUploads({ config, store, terminal, signal }: StoreCommandContext): Promise<number> {
  const isJson = config.options.has("json");
  const data: UploadSession[] = [];
  const failed: { readonly name: string; readonly message: string }[] = [];
  for (const id of idsIn(config)) {
    signal.throwIfAborted();
    try {
      const upload = await store.uploads.abort(id);
      data.push(upload);
      if (!isJson) await terminal.print(`aborted ${id}, ${escapeUnsafe(`${upload.bucket}/${upload.key}`)}\n`);
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      const message = messageForCommand(error);
      failed.push({ name: id, message });
      terminal.problem(`${id}: ${message}`);
    }
  }
  if (isJson) await terminal.print(jsonLine({ data, failed }));
  return failed.length > 0 ? 1 : 0;
}
