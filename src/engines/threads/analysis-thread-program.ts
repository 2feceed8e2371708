import { runAnalysis } from "../../analysis/run-analysis.js";
import { serveAnalyses } from "./serve-analyses.js";

/* The program of the threads of `AnalysisThreads`. */

serveAnalyses(runAnalysis);
