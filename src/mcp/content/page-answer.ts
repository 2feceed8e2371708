import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { type ContentPage, isOfOtherType, type PageRequest } from "./content-page.js";
import { readCall } from "./read-call.js";

/** A page of content by its bytes. It begins with where it stands and with the call for the next page. */
export function pageAnswer(artifact: Artifact, page: ContentPage, asked: PageRequest): CallToolResult {
  const { bytes } = artifact;
  const { text, start, end } = page;
  return {
    content: [
      { type: "text", text: describePage(artifact, page, asked) },
      { type: "text", text },
    ],
    _meta: { offset: start, length: end - start, ...(end < bytes ? { next_offset: end } : {}), bytes },
  };
}

/** What the page holds. The call for the next page comes last, and is the only call in the text. */
function describePage(artifact: Artifact, page: ContentPage, asked: PageRequest): string {
  const { bytes, mime_type, version } = artifact;
  const { encoding, start, end, isText, notUtf8 = "" } = page;
  const parts = [
    `${count(end - start, "byte")} from offset ${start} as ${encoding}, of ${bytes} (${mime_type}, version ${version}).`,
    start === asked.offset ? "" : `Offset ${asked.offset} is inside a character: the page begins at ${start}.`,
    isText ? "These bytes are UTF-8 text: encoding utf8 shows it as such." : "",
    isText || encoding === "base64" || !isOfOtherType(artifact) || asked.encoding !== "auto"
      ? ""
      : "The content is text, though its type does not say so.",
    notUtf8,
    end < bytes ? `Next page: ${nextCall(artifact, end, asked)}` : "This is the end.",
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function nextCall(artifact: Artifact, offset: number, { length, encoding }: PageRequest): string {
  return readCall(artifact, { offset, length, ...(encoding === "auto" ? {} : { encoding }) });
}
