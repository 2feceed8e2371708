import { expect, it } from "vitest";
import { uploadCommand, withCommand } from "../../src/api/upload-command.js";
import type { UploadSession } from "../../src/store/model/upload-session.js";

const MiB = 1024 * 1024;
const url = "http://127.0.0.1:8080/v1/artifacts/session:abc.def";
const session: UploadSession = {
  id: "abc",
  bucket: "b",
  key: "k",
  mime_type: "text/plain",
  url,
  offset: 0,
  size: null,
  status: "open",
  metadata: {},
  created_at: 1,
  expires_at: 2,
};

it.each([
  [{}, `curl --fail-with-body -T FILE "${url}"`],
  [{ size: 5 }, `curl --fail-with-body -T FILE "${url}"`],
  [{ offset: 64 * MiB - 1 }, `curl --fail-with-body -T FILE "${url}"`],
  [{ offset: 64 * MiB }, `curl --fail-with-body -C ${64 * MiB} -T FILE "${url}"`],
  [{ size: 5, offset: 5 }, undefined],
  [{ status: "complete" }, undefined],
  [{ status: "aborted" }, undefined],
  [{ status: "conflict", size: 5, offset: 5 }, undefined],
  [{ url: "artifact-upload://abc" }, undefined],
] as const)("the command of a session with %j", (changes, command) => {
  expect(uploadCommand({ ...session, ...changes })).toBe(command);
  expect(withCommand({ ...session, ...changes })).toEqual({
    ...session,
    ...changes,
    ...(command === undefined ? {} : { command }),
  });
});
