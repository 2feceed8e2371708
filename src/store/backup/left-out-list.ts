import { type LeftOut, maxLeftOut } from "./backup-manifest.js";

/** What a manifest says was left out. It names so much at most, and counts the rest, so that it can always be read. */
export class LeftOutList {
  readonly named: LeftOut[] = [];
  more = 0;

  add(leftOut: LeftOut): void {
    if (this.named.length < maxLeftOut) this.named.push(leftOut);
    else this.more += 1;
  }
}
