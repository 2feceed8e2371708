import { foreignSession, type World } from "../../support/prefix-world.js";

const json = { "content-type": "application/json" };
const tus = { "tus-resumable": "1.0.0" };
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Sends a request to every route, in the ways that name, list, find or miss a bucket. */
export async function callRoutes(world: World): Promise<void> {
  await content(world);
  await artifacts(world);
  await uploads(world);
  await sessionsByUrl(world);
  await changes(world);
  await world.route("GET /healthz", "/healthz");
  await world.route("GET /readyz", "/readyz");
}

async function content({ route, http }: World): Promise<void> {
  const path = "/v1/content/{bucket}/{key}";
  for (const bucket of ["h", "a-b-", "b"]) {
    await route(`PUT ${path}`, `/v1/content/${bucket}/t.csv`, {
      headers: { "content-type": "text/csv" },
      body: "x,y\n1,2\n",
    });
    await route(`POST ${path}`, `/v1/content/${bucket}/t.csv`, {
      headers: { "content-type": "text/csv" },
      body: "x,y\n1,3\n",
    });
  }
  await route(`PUT ${path}`, "/v1/content/.b/t.csv", { body: "x" });
  await route(`PUT ${path}`, "/v1/content/h/t.csv", { headers: { "if-none-match": "*" }, body: "other" });
  for (const bucket of ["h", "z", "a-b", "Reports"]) {
    for (const key of ["t.csv", "table.csv"]) {
      await route(`GET ${path}`, `/v1/content/${bucket}/${key}`);
      await route(`HEAD ${path}`, `/v1/content/${bucket}/${key}`);
    }
  }
  const { json: artifact } = await route("GET /v1/artifacts/{bucket}/{key}", "/v1/artifacts/h/t.csv");
  const signed = new URL(String(artifact["url"]));
  for (const url of [signed.pathname, signed.pathname.replace("/h/", "/b/")]) {
    const { status, text } = await http.askAsStranger("GET", url + signed.search);
    await route(`GET ${path}`, `/v1/content/h/t.csv?status=${status}&text=${encodeURIComponent(text)}`);
  }
}

async function artifacts({ route }: World): Promise<void> {
  await route("GET /v1/artifacts", "/v1/artifacts");
  await route("GET /v1/artifacts", "/v1/artifacts?limit=1");
  for (const bucket of ["h", "b", "z", "a-b-", "a-b", "tabel"]) {
    for (const query of ["", "?delimiter=/", "?prefix=t", "?limit=1"])
      await route("GET /v1/artifacts/{bucket}", `/v1/artifacts/${bucket}${query}`);
    for (const key of ["t.csv", "table.csv", "due.txt"]) {
      await route("GET /v1/artifacts/{bucket}/{key}", `/v1/artifacts/${bucket}/${key}`);
      await route("GET /v1/describe/{bucket}/{key}", `/v1/describe/${bucket}/${key}`);
      await route("GET /v1/rows/{bucket}/{key}", `/v1/rows/${bucket}/${key}?rows=1`);
      const both = `bucket=${bucket}&key=${key}&to_bucket=h&to_key=t.csv`;
      await route("GET /v1/compare", `/v1/compare?${both}`);
    }
  }
  for (const query of ["a", "a-b-", "csv", "cretofother", "17"]) {
    await route("GET /v1/search", `/v1/search?query=${query}`);
    await route("GET /v1/search", `/v1/search?query=${query}&order=key&limit=1`);
  }
}

async function uploads({ route }: World): Promise<void> {
  const body = JSON.stringify({ bucket: "h", key: "up.txt", size: 3 });
  const { json: session } = await route("POST /v1/artifacts", "/v1/artifacts", { headers: json, body });
  const id = String(session["id"]);
  await route("POST /v1/artifacts", "/v1/artifacts", { headers: { ...json, "idempotency-key": "same" }, body });
  await route("POST /v1/artifacts", "/v1/artifacts", { headers: { ...json, "idempotency-key": "same" }, body });
  await route("GET /v1/sessions", "/v1/sessions");
  await route("GET /v1/sessions", "/v1/sessions?all=true&limit=2");
  await route("GET /v1/sessions", "/v1/sessions?bucket=z&all=true");
  for (const one of [id, foreignSession, "e".repeat(32)]) {
    await route("GET /v1/sessions/{id}", `/v1/sessions/${one}`);
    await route("POST /v1/sessions/{id}/complete", `/v1/sessions/${one}/complete`, { headers: json, body: "{}" });
    await route("DELETE /v1/sessions/{id}", `/v1/sessions/${one}`);
  }
}

/** An upload URL of another prefix has a right signature. The session behind it is unknown all the same. */
async function sessionsByUrl({ route, http }: World): Promise<void> {
  const names = `bucket ${base64("h")},key ${base64("tus.txt")}`;
  const asked = { headers: { ...tus, "upload-length": "3", "upload-metadata": names } };
  const made = await route("POST /v1/tus", "/v1/tus", asked);
  const own = String(made.headers.location).split("/").at(-1)?.split(".")[0] ?? "";
  const foreign = `bucket ${base64("z")},key ${base64("tus.txt")}`;
  await route("POST /v1/tus", "/v1/tus", { headers: { ...asked.headers, "upload-metadata": foreign } });
  for (const id of [own, foreignSession, "e".repeat(32)]) {
    const tusUrl = http.signedUrls.uploadPath(id, "/v1/tus/");
    for (const method of ["HEAD", "GET"]) await route(`${method} /v1/tus/{session}`, tusUrl, { headers: tus });
    const chunk = { "content-type": "application/offset+octet-stream", "upload-offset": "0" };
    await route("PATCH /v1/tus/{session}", tusUrl, { headers: { ...tus, ...chunk }, body: "ab" });
    const url = http.signedUrls.uploadPath(id);
    const path = "/v1/artifacts/session:{session}";
    for (const method of ["GET", "HEAD"]) await route(`${method} ${path}`, url);
    await route(`PUT ${path}`, url, { headers: { "content-range": "bytes 2-2/3" }, body: "c" });
    await route(`POST ${path}`, url, { headers: { "content-range": "bytes 0-0/3" }, body: "a" });
    const resumable = { "upload-draft-interop-version": "8", "upload-offset": "0", "upload-complete": "?0" };
    await route(`PATCH ${path}`, url, {
      headers: { ...resumable, "content-type": "application/partial-upload" },
      body: "a",
    });
    await route(`DELETE ${path}`, url);
    await route("DELETE /v1/tus/{session}", tusUrl, { headers: tus });
  }
}

async function changes({ route }: World): Promise<void> {
  const one = "/v1/artifacts/{bucket}/{key}";
  for (const bucket of ["h", "z", "a-b"]) {
    const body = JSON.stringify({ metadata: { seen: "yes" } });
    await route(`PATCH ${one}`, `/v1/artifacts/${bucket}/t.csv`, { headers: json, body });
    await route(`PATCH ${one}`, `/v1/artifacts/${bucket}/table.csv`, { headers: json, body });
    for (const to_bucket of ["z", "copied"]) {
      const copy = JSON.stringify({ bucket, key: "table.csv", to_bucket });
      await route("POST /v1/copies", "/v1/copies", { headers: json, body: copy });
      await route("POST /v1/copies", "/v1/copies", { headers: json, body: copy.replace("table.csv", "t.csv") });
    }
    await route("DELETE /v1/artifacts/{bucket}", `/v1/artifacts/${bucket}?prefix=t`);
    await route(`DELETE ${one}`, `/v1/artifacts/${bucket}/t.csv`);
    await route(`DELETE ${one}`, `/v1/artifacts/${bucket}/table.csv`);
  }
  const { json: matched } = await route("DELETE /v1/artifacts/{bucket}", "/v1/artifacts/b?prefix=");
  await route("DELETE /v1/artifacts/{bucket}", `/v1/artifacts/b?prefix=&confirm=${matched["confirm"]}`);
}
