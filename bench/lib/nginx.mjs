import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { isThere, whileRunning } from "./commands.mjs";
import { peersFolder } from "./peers.mjs";
import { receive } from "./raw-http.mjs";

/**
 * nginx: the machine's own, else Debian's package, unpacked beside the bench. Undefined where there is neither.
 *
 * @returns {Promise<string | undefined>} the program
 */
export async function findNginx() {
  if (isThere("nginx", "-v")) return "nginx";
  const folder = join(peersFolder, "nginx");
  const program = join(folder, "usr/sbin/nginx");
  if (!existsSync(program)) {
    process.stderr.write("bench: fetching nginx\n");
    try {
      await unpackDebian("nginx", folder);
    } catch {
      return undefined; // no Debian, or no way to its packages
    }
  }
  return isThere(program, "-v") ? program : undefined;
}

/** The files of a package, without installing it: the machine stays as it is. @param {string} name @param {string} folder */
async function unpackDebian(name, folder) {
  for (const part of ["lists/partial", "archives/partial"]) await mkdir(join(folder, part), { recursive: true });
  /** @param {...string} args */
  const apt = (...args) => {
    const places = ["-o", `Dir::State::lists=${folder}/lists`, "-o", `Dir::Cache=${folder}`];
    execFileSync("apt-get", [...places, ...args], { cwd: folder, stdio: "ignore" });
  };
  apt("update");
  apt("download", name);
  const archive = (await readdir(folder)).find((file) => file.endsWith(".deb")) ?? name;
  execFileSync("dpkg-deb", ["-x", archive, folder], { cwd: folder, stdio: "ignore" });
}

/**
 * Runs `use` while nginx serves a folder, without sendfile.
 *
 * @template Result @param {string} program @param {string} folder @param {(url: string) => Promise<Result>} use
 */
export async function withNginx(program, folder, use) {
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path temp;`);
  const server = `server { listen 127.0.0.1:${port}; root ${folder}; sendfile off; output_buffers 2 512k; }`;
  // As root it would drop its rights, and could not read a folder of root's.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const config = `${user} daemon off; pid nginx.pid; error_log stderr error; worker_processes 1; events {} http { access_log off; ${temporary.join(" ")} ${server} }`;
  await writeFile(join(folder, "nginx.conf"), config);
  await mkdir(join(folder, "temp"), { recursive: true });
  const script = `echo starting; exec ${program} -e stderr -p ${folder} -c nginx.conf`;
  return whileRunning(["sh", "-c", script], async () => {
    const url = `http://127.0.0.1:${port}`;
    await listening(url);
    return use(url);
  });
}

/** A port that was free a moment ago. @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** @param {string} url */
async function listening(url) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answered = await receive(`${url}/nginx.conf`, 1).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("nginx does not listen");
}
