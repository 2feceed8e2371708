import { backupFilesContract } from "../contracts/backup-files-contract.js";
import { createMemoryBackupFiles } from "../support/memory-backup-files.js";

backupFilesContract("memory", async () => createMemoryBackupFiles());
