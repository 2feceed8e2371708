import { expect, it } from "vitest";
import { runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { cases } from "../../support/hostile.js";
import { Attacker, every, often } from "./attacker.js";
import { chanceOf } from "./chance.js";
import { Client } from "./client.js";
import { expectVersion, read } from "./content-actions.js";
import { Ledger } from "./model.js";
import { expectIdle, Seat } from "./servers.js";
import { look } from "./upload-actions.js";

/*
 * Two servers run on one data directory. Clients use every protocol on the same upload, and send requests that break
 * off, are pipelined, slow or malformed, while processes are killed. model.ts has the rules that must hold.
 * ARTIFACTS_ATTACK_SEED repeats the same choices. The order in which requests meet depends on the machine.
 */

const seed = Number(process.env["ARTIFACTS_ATTACK_SEED"] ?? Date.now() % 1_000_000);
const attackMs = cases(10_000, 600_000);
const attackers = 6;
/** Number of versions that are read again at the end. */
const auditedVersions = 300;
/** Clients leave hundreds of uploads unfinished. */
const options = ["--max-open-sessions", "1000000"];

it("two servers never lose, change or mix up acknowledged bytes, whatever clients send", async () => {
  const root = await temporaryDirectory();
  const seats = [new Seat(root, options), new Seat(root, options)];
  const ledger = new Ledger();
  const all = Array.from({ length: attackers }, (_, n) => {
    return new Attacker(new Client(`a${n}`, chanceOf(seed * 100 + n), seats), ledger);
  });
  const until = performance.now() + attackMs;
  let isOver = false;
  const isLate = (): boolean => isOver || performance.now() > until;
  const attack = async (attacker: Attacker): Promise<void> => {
    const first = [...every]; // each action runs at least once, even on a slow machine
    while (first.length > 0 ? !isOver : !isLate()) {
      await attacker.turn(first.shift() ?? attacker.client.chance.pick([...every, ...often])).catch((error: Error) => {
        isOver = true;
        throw new Error(describeFailure(attacker, error), { cause: error });
      });
    }
  };
  const [ends] = await Promise.all([endAtRandom(seats, isLate), ...all.map(attack)]);
  for (const seat of seats) await expectIdle(await seat.running);
  for (const attacker of all)
    await audit(attacker).catch((error: Error) => expect.fail(describeFailure(attacker, error)));
  const auditor = new Client("auditor", chanceOf(seed), seats);
  for (const artifact of ledger.sample(auditedVersions, auditor.chance)) await expectVersion(auditor, artifact);
  for (const seat of seats) await (await seat.running).stop();
  expect(runCommand(["verify", "--root", root]).status).toBe(0);
  expect(ends.kills + ends.stops).toBeGreaterThan(0);
  if (process.env["ARTIFACTS_LONG"] === "1") process.stderr.write(`${figures(all, ledger, ends)}\n`);
});

interface Ends {
  readonly kills: number;
  readonly stops: number;
}

/** Kills or stops a server from time to time. */
async function endAtRandom(seats: readonly Seat[], isOver: () => boolean): Promise<Ends> {
  const chance = chanceOf(seed * 100 + 99);
  let [kills, stops] = [0, 0];
  do {
    const pauseMs = chance.percent(20) ? chance.below(cases(3_000, 30_000)) : chance.below(1_500);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const seat = chance.pick(seats);
    if (chance.percent(75)) {
      await seat.kill();
      kills += 1;
    } else {
      await seat.replace();
      stops += 1;
    }
  } while (!isOver());
  return { kills, stops };
}

/** Checks everything that an attacker knows, after the attack. */
async function audit(attacker: Attacker): Promise<void> {
  const { client } = attacker;
  attacker.leave();
  for (const upload of attacker.unfinished.slice(-50)) await look(client, upload);
  for (const kept of attacker.kept) await read(client, kept);
  while (attacker.unknownKeys.length > 0) await attacker.check();
}

function describeFailure({ client }: Attacker, error: Error): string {
  return `${client.name}, ARTIFACTS_ATTACK_SEED=${seed}: ${error.message}\n${client.trace.join("\n")}`;
}

function figures(all: readonly Attacker[], ledger: Ledger, { kills, stops }: Ends): string {
  const requests = all.reduce((sum, { client }) => sum + client.requests, 0);
  const turns = every.map((name) => `${name} ${all.reduce((sum, { done }) => sum + (done.get(name) ?? 0), 0)}`);
  return `attack: seed ${seed}, ${attackMs / 1_000} s, ${requests} requests, ${ledger.count} versions, ${kills} kills, ${stops} stops; ${turns.join(", ")}`;
}
