/** One line of the report: what was looked at, what was found, and what to do about it. */
export interface Finding {
  readonly state: "ok" | "note" | "fault";
  readonly text: string;
}

export const ok = (text: string): Finding => ({ state: "ok", text });
export const note = (text: string): Finding => ({ state: "note", text });
export const fault = (text: string): Finding => ({ state: "fault", text });
