export interface Gate {
  readonly passed: Promise<void>;
  readonly open: () => void;
}

/** What others wait at until it is opened. */
export function gate(): Gate {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
