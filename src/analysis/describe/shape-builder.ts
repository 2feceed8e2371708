import type { JsonShape } from "../../store/ports/description.js";
import type { JsonListener, JsonType } from "../formats/json/json-scanner.js";
import { shorten } from "./shorten.js";

/** Levels below the root that a shape tells. */
const maxLevel = 2;
const maxMembers = 50;
const maxNameChars = 200;

/** What all values at one place have in common. */
interface Place {
  type: JsonShape["type"] | undefined;
  /** Null if the values differ in size. */
  size: number | null | undefined;
  members?: Map<string, Place>;
  items?: Place;
}

interface OpenContainer {
  readonly place: Place;
  readonly isArray: boolean;
  size: number;
  /** Of the member that comes next. */
  name: string;
}

const newPlace = (): Place => ({ type: undefined, size: undefined });

/** Builds the shape of a JSON value from the values in it. */
export class ShapeBuilder implements JsonListener {
  readonly #root = newPlace();
  readonly #open: OpenContainer[] = [];

  wantsNames(level: number): boolean {
    return level < maxLevel;
  }

  name(level: number, name: string): void {
    const container = this.#open[level];
    if (container !== undefined) container.name = shorten(name, maxNameChars);
  }

  begin(level: number, type: JsonType): void {
    if (level > maxLevel + 1) return;
    const parent = this.#open[level - 1];
    if (parent !== undefined) parent.size += 1;
    if (level > maxLevel) return;
    const place = (parent === undefined ? this.#root : childOf(parent)) ?? newPlace();
    place.type = place.type === undefined || place.type === type ? type : "mixed";
    const isArray = type === "array";
    if (isArray || type === "object") this.#open[level] = { place, isArray, size: 0, name: "" };
  }

  end(level: number): void {
    const container = this.#open[level];
    if (container === undefined || level > maxLevel) return;
    const { place, size } = container;
    place.size = place.size === undefined || place.size === size ? size : null;
    this.#open.length = level;
  }

  /** The shape of what was seen until here. Containers that are open have the size that was seen. */
  shape(): JsonShape | undefined {
    for (let level = this.#open.length - 1; level >= 0; level -= 1) this.end(level);
    return this.#root.type === undefined ? undefined : shapeOf(this.#root, this.#root.type);
  }
}

/** The place of the value that comes next in a container. Members after the first 50 have none. */
function childOf({ place, isArray, name }: OpenContainer): Place | undefined {
  if (isArray) {
    place.items ??= newPlace();
    return place.items;
  }
  place.members ??= new Map();
  const known = place.members.get(name);
  if (known !== undefined || place.members.size >= maxMembers) return known;
  const made = newPlace();
  place.members.set(name, made);
  return made;
}

function shapeOf({ size, members, items }: Place, type: JsonShape["type"]): JsonShape {
  const isMixed = type === "mixed";
  return {
    type,
    ...(typeof size === "number" && !isMixed ? { size } : {}),
    ...(members && !isMixed ? { members: membersOf(members) } : {}),
    ...(items?.type && !isMixed ? { items: shapeOf(items, items.type) } : {}),
  };
}

function membersOf(members: ReadonlyMap<string, Place>): Record<string, JsonShape> {
  const named = [...members].flatMap(([name, place]) =>
    place.type === undefined ? [] : [[name, shapeOf(place, place.type)] as const],
  );
  return Object.fromEntries(named);
}
