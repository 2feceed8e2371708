import type { JsonShape } from "../../store/ports/description.js";
import type { JsonListener, JsonType } from "../formats/json/json-scanner.js";
import { shorten } from "./shorten.js";

/** Levels below the root that a shape tells; one more of the objects in an array that is in the root. */
const maxLevel = 2;
const maxMembers = 50;
const maxNameChars = 200;
/** Names of an object that are compared with each other, and their length: the scanner cuts longer ones. */
const maxCompared = 10_000;
const maxComparedChars = 150;

/** What all values at one place have in common. */
interface Place {
  type: JsonShape["type"] | undefined;
  /** Some values are null. The type is that of the others. */
  hasNull?: true;
  /** Null if the values differ in size. */
  size: number | null | undefined;
  members?: Map<string, Place>;
  items?: Place;
}

interface OpenContainer {
  readonly place: Place;
  readonly isArray: boolean;
  /** The shape tells what is in it. */
  readonly isTold: boolean;
  size: number;
  /** Of the member that comes next. */
  name: string;
  /** The object had a member of this name before, which counts once. */
  repeats: boolean;
  /** The first names of an object. */
  names: Set<string> | undefined;
}

const newPlace = (): Place => ({ type: undefined, size: undefined });

/** Builds the shape of a JSON value from the values in it. */
export class ShapeBuilder implements JsonListener {
  readonly #root = newPlace();
  readonly #open: OpenContainer[] = [];

  wantsNames(level: number): boolean {
    return this.#open[level] !== undefined;
  }

  name(level: number, name: string): void {
    const container = this.#open[level];
    if (container === undefined) return;
    container.name = shorten(name, maxNameChars);
    container.names ??= new Set();
    container.repeats = container.names.has(name);
    const isCompared = name.length <= maxComparedChars && container.names.size < maxCompared;
    if (isCompared) container.names.add(name);
  }

  begin(level: number, type: JsonType): void {
    const parent = this.#open[level - 1];
    if (parent === undefined && level > 0) return;
    if (parent?.repeats === false) parent.size += 1;
    if (parent?.isTold === false) return;
    const place = (parent === undefined ? this.#root : childOf(parent)) ?? newPlace();
    if (type === "null") place.hasNull = true;
    else place.type = place.type === undefined || place.type === type ? type : "mixed";
    const isArray = type === "array";
    if (!isArray && type !== "object") return;
    const isTold = level < maxLevel || (level === maxLevel && !isArray && parent?.isArray === true);
    this.#open[level] = { place, isArray, isTold, size: 0, name: "", repeats: false, names: undefined };
  }

  end(level: number): void {
    const container = this.#open[level];
    if (container === undefined) return;
    const { place, size } = container;
    place.size = place.size === undefined || place.size === size ? size : null;
    this.#open.length = level;
  }

  /** The shape of what was seen until here. Containers that are open have the size that was seen. */
  shape(): JsonShape | undefined {
    for (let level = this.#open.length - 1; level >= 0; level -= 1) this.end(level);
    return shapeOf(this.#root);
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

/** Undefined if there is no value. */
function shapeOf({ type, hasNull, size, members, items }: Place): JsonShape | undefined {
  if (type === undefined) return hasNull && { type: "null" };
  const isMixed = type === "mixed";
  const itemsShape = items && shapeOf(items);
  return {
    type,
    ...(hasNull && { nullable: true }),
    ...(typeof size === "number" && !isMixed ? { size } : {}),
    ...(members && !isMixed ? { members: membersOf(members) } : {}),
    ...(itemsShape && !isMixed ? { items: itemsShape } : {}),
  };
}

function membersOf(members: ReadonlyMap<string, Place>): Record<string, JsonShape> {
  const named = [...members].flatMap(([name, place]) => {
    const shape = shapeOf(place);
    return shape === undefined ? [] : [[name, shape] as const];
  });
  return Object.fromEntries(named);
}
