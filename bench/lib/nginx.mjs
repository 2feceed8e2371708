import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { isInstalled, whileRunning } from "./commands.mjs";
import { peersFolder } from "./peers.mjs";
import { receive } from "./raw-http.mjs";

/**
 * Finds nginx on the machine. If there is none, unpacks Debian's package beside the bench.
 *
 * @returns {Promise<string | undefined>} the program; undefined if there is none
 */
export async function findNginx() {
  if (isInstalled("nginx", "-v")) return "nginx";
  const folder = join(peersFolder, "nginx");
  const program = join(folder, "usr/sbin/nginx");
  if (!existsSync(program)) {
    process.stderr.write("bench: fetching nginx\n");
    try {
      await unpackDebian("nginx", folder);
    } catch {
      return undefined; // this is not Debian, or its packages cannot be reached
    }
  }
  return isInstalled(program, "-v") ? program : undefined;
}

/** Unpacks a package without installing it, so the machine is not changed. @param {string} name @param {string} folder */
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
  // Started by root, nginx would change to another user, who cannot read a folder of root.
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

/** Returns a port that was free a moment ago. @returns {Promise<number>} */
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
