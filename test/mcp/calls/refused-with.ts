import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../src/store/model/errors.js";
import type { UploadSession } from "../../../src/store/model/upload-session.js";
import { type Arguments, connect, contentsOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const maxChunkBytes = 64;
const maxArtifactBytes = 100;
export const week = 7 * 24 * 60 * 60 * 1000;
export const here = { bucket: "b", key: "dir/k" };

/** A store with an artifact and one session in each state, and their ids. */
export async function openFullStore() {
  let now = 1_800_000_000_000;
  const engines = createMemoryEngines();
  const options = { maxChunkBytes, maxArtifactBytes, now: () => now };
  const { answer, refusal } = await connect(engines, options);
  const create = async (more: object) =>
    (await answer<UploadSession>("create_upload_session", { bucket: "b", key: "up", ...more })).id;
  const append = (session_id: string, data: string) => answer("upload_chunk", { session_id, offset: 0, data });

  for (const content of ["one", "two"]) await answer("save_artifact", { ...here, content });
  await answer("save_artifact", { bucket: "b2", key: "k", content: "x" });
  const expired = await create({});
  now += week;
  const ids = { expired, sized: await create({ size: 10 }), open: await create({}), done: await create({ size: 2 }) };
  const aborted = await create({});
  await answer("abort_upload_session", { session_id: aborted });
  for (const id of [ids.sized, ids.open]) await append(id, "four");
  await append(ids.done, "ok");
  const page = await answer<{ next_cursor: string }>("list_buckets", { limit: 1 });
  return { engines, refusal, ids: { ...ids, aborted, cursor: page.next_cursor } };
}
type Ids = Awaited<ReturnType<typeof openFullStore>>["ids"];

export type Row = [
  what: string,
  tool: string,
  args: Arguments | ((ids: Ids) => Arguments),
  message: RegExp,
  details?: object | string,
];

/**
 * Tests that each row is refused with `code` and with a message that says what to do, and leaves the store as it was. If
 * the details of a row are a string, they name the wrong argument.
 */
export function refusedWith(code: ErrorCode, rows: readonly Row[]): void {
  describe(code, () => {
    it.each(rows)("for %s of %s", async (_what, tool, args, message, details = {}) => {
      const { engines, refusal, ids } = await openFullStore();
      const more = typeof details === "string" ? { argument: details } : details;
      const before = contentsOf(engines);
      const error = await refusal(tool, typeof args === "function" ? args(ids) : args);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message), ...more });
      expect(contentsOf(engines)).toEqual(before);
    });
  });
}

export const save = (more: Arguments): Arguments => ({ ...here, content: "x", ...more });
export const chunk =
  (more: Arguments) =>
  ({ open }: Ids): Arguments => ({ session_id: open, offset: 4, data: "x", ...more });

/** Text with half of a UTF-16 pair, which is not valid Unicode. */
export const lone = "a\ud800b";
