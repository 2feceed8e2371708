/*
 * A WebAssembly module that counts with SIMD. It is the text below, as `wat2wasm` of the npm package `wabt` assembles it.
 * JavaScript counts 4 GB a second at best, and files in the page cache are read at 20. This counts 60.
 *
 *   (module
 *     (memory (export "memory") 1)
 *     ;; How many bytes of [at, end) equal `byte`. end - at is a multiple of 64.
 *     (func (export "bytes") (param $at i32) (param $end i32) (param $byte i32) (result i32)
 *       (local $wanted v128) (local $a v128) (local $b v128) (local $sum v128) (local $stop i32)
 *       (local.set $wanted (i8x16.splat (local.get $byte)))
 *       (block $done
 *         (loop $part
 *           (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
 *           ;; 127 steps of 64 bytes: each lane of $a and $b then has at most 254
 *           (local.set $stop (i32.add (local.get $at) (i32.const 8128)))
 *           (if (i32.gt_u (local.get $stop) (local.get $end)) (then (local.set $stop (local.get $end))))
 *           (local.set $a (v128.const i64x2 0 0))
 *           (local.set $b (v128.const i64x2 0 0))
 *           (loop $step
 *             (local.set $a (i8x16.sub (local.get $a) (i8x16.eq (local.get $wanted) (v128.load offset=0 (local.get $at)))))
 *             (local.set $b (i8x16.sub (local.get $b) (i8x16.eq (local.get $wanted) (v128.load offset=16 (local.get $at)))))
 *             (local.set $a (i8x16.sub (local.get $a) (i8x16.eq (local.get $wanted) (v128.load offset=32 (local.get $at)))))
 *             (local.set $b (i8x16.sub (local.get $b) (i8x16.eq (local.get $wanted) (v128.load offset=48 (local.get $at)))))
 *             (local.set $at (i32.add (local.get $at) (i32.const 64)))
 *             (br_if $step (i32.lt_u (local.get $at) (local.get $stop))))
 *           (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
 *             (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $a)))
 *             (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $b))))))
 *           (br $part)))
 *       (i32.add
 *         (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
 *         (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))
 *     ;; How many 16-bit units of [at, end) equal `unit`. end - at is a multiple of 64.
 *     (func (export "units") (param $at i32) (param $end i32) (param $unit i32) (result i32)
 *       (local $wanted v128) (local $a v128) (local $b v128) (local $sum v128) (local $stop i32)
 *       (local.set $wanted (i16x8.splat (local.get $unit)))
 *       (block $done
 *         (loop $part
 *           (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
 *           (local.set $stop (i32.add (local.get $at) (i32.const 65536)))
 *           (if (i32.gt_u (local.get $stop) (local.get $end)) (then (local.set $stop (local.get $end))))
 *           (local.set $a (v128.const i64x2 0 0))
 *           (local.set $b (v128.const i64x2 0 0))
 *           (loop $step
 *             (local.set $a (i16x8.sub (local.get $a) (i16x8.eq (local.get $wanted) (v128.load offset=0 (local.get $at)))))
 *             (local.set $b (i16x8.sub (local.get $b) (i16x8.eq (local.get $wanted) (v128.load offset=16 (local.get $at)))))
 *             (local.set $a (i16x8.sub (local.get $a) (i16x8.eq (local.get $wanted) (v128.load offset=32 (local.get $at)))))
 *             (local.set $b (i16x8.sub (local.get $b) (i16x8.eq (local.get $wanted) (v128.load offset=48 (local.get $at)))))
 *             (local.set $at (i32.add (local.get $at) (i32.const 64)))
 *             (br_if $step (i32.lt_u (local.get $at) (local.get $stop))))
 *           (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
 *             (i32x4.extadd_pairwise_i16x8_u (local.get $a)) (i32x4.extadd_pairwise_i16x8_u (local.get $b)))))
 *           (br $part)))
 *       (i32.add
 *         (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
 *         (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))
 *   )
 */
const assembled = [
  "AGFzbQEAAAABCAFgA39/fwF/AwMCAAAFAwEAAQcaAwZtZW1vcnkCAAVieXRlcwAABXVuaXRzAAEKsgMC1gECBHsBfyAC/Q8h",
  "AwJAA0AgACABTw0BIABBwD9qIQcgByABSwRAIAEhBwv9DAAAAAAAAAAAAAAAAAAAAAAhBP0MAAAAAAAAAAAAAAAAAAAAACEF",
  "A0AgBCADIAD9AAQA/SP9cSEEIAUgAyAA/QAEEP0j/XEhBSAEIAMgAP0ABCD9I/1xIQQgBSADIAD9AAQw/SP9cSEFIABBwABq",
  "IQAgACAHSQ0ACyAGIAT9ff1/IAX9ff1//a4B/a4BIQYMAAsLIAb9GwAgBv0bAWogBv0bAiAG/RsDamoL1wECBHsBfyAC/RAh",
  "AwJAA0AgACABTw0BIABBgIAEaiEHIAcgAUsEQCABIQcL/QwAAAAAAAAAAAAAAAAAAAAAIQT9DAAAAAAAAAAAAAAAAAAAAAAh",
  "BQNAIAQgAyAA/QAEAP0t/ZEBIQQgBSADIAD9AAQQ/S39kQEhBSAEIAMgAP0ABCD9Lf2RASEEIAUgAyAA/QAEMP0t/ZEBIQUg",
  "AEHAAGohACAAIAdJDQALIAYgBP1/IAX9f/2uAf2uASEGDAALCyAG/RsAIAb9GwFqIAb9GwIgBv0bA2pqCw==",
].join("");

/** What is used of WebAssembly. The types of Node do not have it. */
interface WebAssemblyNamespace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

export interface LineEndModule {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void };
  /** How many bytes of `[at, end)` are equal to `byte`. `end - at` is a multiple of 64. */
  bytes(at: number, end: number, byte: number): number;
  /** How many 16-bit units of `[at, end)` are equal to `unit`, in little-endian order. `end - at` is a multiple of 64. */
  units(at: number, end: number, unit: number): number;
}

let compiled: object | undefined;

const pageBytes = 65_536;

/**
 * An instance with a memory of its own, of at least so many bytes. Undefined where there can be none: a Node without a
 * compiler has no WebAssembly, and a memory reserves gigabytes of addresses, which a limit on them does not allow.
 */
export function createLineEndModule(bytes: number): LineEndModule | undefined {
  try {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyNamespace }).WebAssembly;
    compiled ??= new Module(Buffer.from(assembled, "base64"));
    const module = new Instance(compiled).exports as LineEndModule;
    module.memory.grow(Math.ceil(bytes / pageBytes));
    return module;
  } catch {
    return undefined;
  }
}
