import type { Client } from "./client.js";
import { babble, checkUnsure, type Kept, pipeline, read, save, stall, type Unsure } from "./content-actions.js";
import type { Ledger } from "./model.js";
import * as uploads from "./upload-actions.js";

/** One attacker's turns: an upload until it is over, and between its requests whatever else there is. */
export class Attacker {
  readonly client: Client;
  readonly #ledger: Ledger;
  #upload: uploads.Upload | undefined;
  /** How often it has done what. */
  readonly done = new Map<Action, number>();
  /** Uploads that it has left behind. */
  readonly unfinished: uploads.Upload[] = [];
  /** Versions whose content it knows by heart. */
  readonly kept: Kept[] = [];
  /** Keys of which it does not know what is there. */
  readonly unsure: Unsure[] = [];

  constructor(client: Client, ledger: Ledger) {
    this.client = client;
    this.#ledger = ledger;
  }

  async turn(name: Action): Promise<void> {
    this.client.note(`- ${name}`);
    await actions[name](this);
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
  }

  /** The upload that it is at, begun if there is none. */
  async upload(): Promise<uploads.Upload | undefined> {
    this.#upload ??= await uploads.create(this.client);
    return this.#upload;
  }

  async withUpload(act: (client: Client, upload: uploads.Upload) => Promise<void>): Promise<void> {
    const upload = await this.upload();
    if (upload === undefined) return;
    await act(this.client, upload);
    if (this.client.chance.percent(40)) await uploads.look(this.client, upload);
    const { status } = upload.model;
    if (status === "open" || this.client.chance.percent(50)) return;
    this.leave();
  }

  /** It goes on with another upload. */
  leave(): void {
    const upload = this.#upload;
    this.#upload = undefined;
    if (upload === undefined) return;
    const published = uploads.contentOf(upload);
    if (published !== undefined) {
      this.#ledger.saw(published.artifact);
      this.keep(published);
    } else if (upload.model.status === "open") {
      this.unfinished.push(upload);
    }
  }

  keep(kept: Kept): void {
    this.kept.push(kept);
    if (this.kept.length > 30) this.kept.shift();
  }

  async save(): Promise<void> {
    const saved = await save(this.client, this.#ledger);
    if ("artifact" in saved) this.keep(saved);
    else this.unsure.push(saved);
  }

  async pipeline(): Promise<void> {
    this.unsure.push(await pipeline(this.client));
  }

  async check(): Promise<void> {
    const unsure = this.unsure.shift();
    if (unsure !== undefined) await checkUnsure(this.client, unsure);
  }

  async withKept(act: (client: Client, kept: Kept) => Promise<void>): Promise<void> {
    while (this.kept.length === 0) await this.save();
    await act(this.client, this.client.chance.pick(this.kept));
  }
}

const actions = {
  goOn: (attacker: Attacker) => attacker.withUpload(uploads.goOn),
  breakOff: (attacker: Attacker) => attacker.withUpload(uploads.breakOff),
  replay: (attacker: Attacker) => attacker.withUpload(uploads.replay),
  cheat: (attacker: Attacker) => attacker.withUpload(uploads.cheat),
  crowd: (attacker: Attacker) => attacker.withUpload(uploads.crowd),
  look: (attacker: Attacker) => attacker.withUpload(uploads.look),
  complete: (attacker: Attacker) => attacker.withUpload(uploads.complete),
  abort: (attacker: Attacker) => attacker.withUpload(uploads.abort),
  leave: async (attacker: Attacker) => attacker.leave(),
  save: (attacker: Attacker) => attacker.save(),
  pipeline: (attacker: Attacker) => attacker.pipeline(),
  check: (attacker: Attacker) => attacker.check(),
  read: (attacker: Attacker) => attacker.withKept(read),
  stall: (attacker: Attacker) => attacker.withKept(stall),
  babble: (attacker: Attacker) => babble(attacker.client),
};
export type Action = keyof typeof actions;
export const every: readonly Action[] = Object.keys(actions) as Action[];
/** What is done more often than the rest. */
export const often: readonly Action[] = [
  "goOn",
  "goOn",
  "goOn",
  "breakOff",
  "replay",
  "cheat",
  "crowd",
  "save",
  "pipeline",
  "read",
  "check",
];
