import type { Client } from "./client.js";
import {
  checkUnknown,
  copy,
  type Kept,
  pipeline,
  read,
  save,
  sendBroken,
  stall,
  type UnknownKey,
  update,
} from "./content-actions.js";
import type { Ledger } from "./model.js";
import * as uploads from "./upload-actions.js";

/** One attacker. It works on one upload until that is over, and takes other actions in between. */
export class Attacker {
  readonly client: Client;
  readonly #ledger: Ledger;
  #upload: uploads.Upload | undefined;
  /** How often it has done each action. */
  readonly done = new Map<Action, number>();
  /** Uploads that it has left unfinished. */
  readonly unfinished: uploads.Upload[] = [];
  /** Versions whose content it knows. */
  readonly kept: Kept[] = [];
  /** Keys whose content it does not know. */
  readonly unknownKeys: UnknownKey[] = [];

  constructor(client: Client, ledger: Ledger) {
    this.client = client;
    this.#ledger = ledger;
  }

  async turn(name: Action): Promise<void> {
    this.client.note(`- ${name}`);
    await actions[name](this);
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
  }

  /** Returns its current upload. Creates one if there is none. */
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

  /** Leaves its current upload. The next action on an upload creates another one. */
  leave(): void {
    const upload = this.#upload;
    this.#upload = undefined;
    if (upload === undefined) return;
    const published = uploads.contentOf(upload);
    if (published !== undefined) {
      this.#ledger.record(published.artifact);
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
    this.note(await save(this.client, this.#ledger));
  }

  note(saved: Kept | UnknownKey): void {
    if ("artifact" in saved) this.keep(saved);
    else this.unknownKeys.push(saved);
  }

  async copy(): Promise<void> {
    await this.withKept(async (client, kept) => this.note(await copy(client, kept, this.#ledger)));
  }

  async pipeline(): Promise<void> {
    this.unknownKeys.push(await pipeline(this.client));
  }

  async check(): Promise<void> {
    const unknown = this.unknownKeys.shift();
    if (unknown !== undefined) await checkUnknown(this.client, unknown);
  }

  async withKept(act: (client: Client, kept: Kept) => Promise<void>): Promise<void> {
    while (this.kept.length === 0) await this.save();
    await act(this.client, this.client.chance.pick(this.kept));
  }
}

const actions = {
  proceed: (attacker: Attacker) => attacker.withUpload(uploads.proceed),
  breakOff: (attacker: Attacker) => attacker.withUpload(uploads.breakOff),
  replay: (attacker: Attacker) => attacker.withUpload(uploads.replay),
  cheat: (attacker: Attacker) => attacker.withUpload(uploads.cheat),
  race: (attacker: Attacker) => attacker.withUpload(uploads.race),
  look: (attacker: Attacker) => attacker.withUpload(uploads.look),
  complete: (attacker: Attacker) => attacker.withUpload(uploads.complete),
  abort: (attacker: Attacker) => attacker.withUpload(uploads.abort),
  leave: async (attacker: Attacker) => attacker.leave(),
  save: (attacker: Attacker) => attacker.save(),
  pipeline: (attacker: Attacker) => attacker.pipeline(),
  check: (attacker: Attacker) => attacker.check(),
  read: (attacker: Attacker) => attacker.withKept(read),
  copy: (attacker: Attacker) => attacker.copy(),
  update: (attacker: Attacker) => attacker.withKept(update),
  stall: (attacker: Attacker) => attacker.withKept(stall),
  sendBroken: (attacker: Attacker) => sendBroken(attacker.client),
};
export type Action = keyof typeof actions;
export const every: readonly Action[] = Object.keys(actions) as Action[];
/** Actions that are done more often than the others. */
export const often: readonly Action[] = [
  "proceed",
  "proceed",
  "proceed",
  "breakOff",
  "replay",
  "cheat",
  "race",
  "save",
  "pipeline",
  "read",
  "check",
];
