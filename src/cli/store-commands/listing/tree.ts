import { count } from "../../../store/model/count.js";
import { escapeUnsafe } from "../../../store/model/quote.js";
import { jsonText } from "../../terminal/json-text.js";
import { humanBytes } from "../../terminal/sizes.js";
import type { Terminal } from "../../terminal/terminal.js";
import { exactTime } from "../../terminal/times.js";
import { placeIn } from "../command-words.js";
import { folderPrefix } from "../folder-prefix.js";
import type { StoreCommand } from "../store-command.js";
import { type Step, type TreeNode, walkFolder, walkStore } from "./walk.js";

export const tree: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check: placeIn,
  async run({ config, store: { artifacts }, terminal, signal }) {
    const place = placeIn(config);
    const steps =
      place === undefined
        ? walkStore(artifacts, signal)
        : walkFolder(artifacts, { bucket: place.bucket, prefix: await folderPrefix(artifacts, place) }, signal);
    const { options } = config;
    await printAll(terminal, options.has("json") ? asJson(steps) : drawn(steps, options.has("long")));
    return 0;
  },
};

async function* drawn(steps: AsyncIterable<Step>, isLong: boolean): AsyncGenerator<string, void, undefined> {
  let [folders, artifacts] = [0, 0];
  for await (const step of steps) {
    if (step === "end") continue;
    if (step.artifact !== undefined) artifacts += 1;
    else if (step.lasts.length > 0) folders += 1;
    yield `${branchOf(step)}${escapeUnsafe(step.name)}${isLong ? factsOf(step) : ""}\n`;
  }
  yield `\n${count(folders, "folder")}, ${count(artifacts, "artifact")}\n`;
}

function branchOf({ lasts }: TreeNode): string {
  const [isLast] = lasts.slice(-1);
  if (isLast === undefined) return "";
  const above = lasts.slice(0, -1).map((isLastAbove) => (isLastAbove ? "    " : "│   "));
  return `${above.join("")}${isLast ? "└── " : "├── "}`;
}

function factsOf({ artifact }: TreeNode): string {
  if (artifact === undefined) return "";
  const { bytes, created_at, mime_type } = artifact;
  return escapeUnsafe(`  ${humanBytes(bytes)}, ${mime_type}, ${exactTime(created_at)}`);
}

/** An object whose `data` has the buckets or folders that were asked for, each with its `entries`. */
async function* asJson(steps: AsyncIterable<Step>): AsyncGenerator<string, void, undefined> {
  yield '{"data":[';
  let separator = "";
  for await (const step of steps) {
    if (step === "end") yield "]}";
    else if (step.artifact !== undefined) yield separator + jsonText(step.artifact);
    else yield `${separator}{"bucket":${jsonText(step.bucket)},"prefix":${jsonText(step.prefix)},"entries":[`;
    const isOpening = step !== "end" && step.artifact === undefined;
    separator = isOpening ? "" : ",";
  }
  yield "]}\n";
}

/** Text that is printed together, in UTF-16 code units. */
const printedChars = 16_384;

async function printAll(terminal: Terminal, texts: AsyncIterable<string>): Promise<void> {
  let waiting = "";
  for await (const text of texts) {
    waiting += text;
    if (waiting.length < printedChars) continue;
    await terminal.print(waiting);
    waiting = "";
  }
  await terminal.print(waiting);
}
