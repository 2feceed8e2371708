export interface Gate {
  readonly passed: Promise<void>;
  readonly open: () => void;
}

/** A gate. `passed` resolves when `open` is called. */
export function gate(): Gate {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
