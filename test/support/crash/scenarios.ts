import type { Scenario } from "./scenario.js";
import { appends } from "./scenarios/appends.js";
import { copies } from "./scenarios/copies.js";
import { endings } from "./scenarios/endings.js";
import { failures } from "./scenarios/failures.js";
import { insights } from "./scenarios/insights.js";
import { maintenance } from "./scenarios/maintenance.js";
import { publications } from "./scenarios/publications.js";

export const scenarios: readonly Scenario[] = [
  ...appends,
  ...publications,
  ...copies,
  ...endings,
  ...maintenance,
  ...failures,
  ...insights,
];
