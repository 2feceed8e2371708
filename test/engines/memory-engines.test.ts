import { blobStoreContract } from "../contracts/blob-store-contract.js";
import { metadataStoreContract } from "../contracts/metadata-store-contract.js";
import { createMemoryBlobStore, createMemoryMetadataStore } from "../support/memory-engines.js";

metadataStoreContract("the in-memory double", async () => createMemoryMetadataStore());
blobStoreContract("the in-memory double", async () => createMemoryBlobStore());
