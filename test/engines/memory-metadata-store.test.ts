import { artifactIndexContract } from "../contracts/artifact-index-contract.js";
import { metadataStoreContract } from "../contracts/metadata-store-contract.js";
import { createMemoryMetadataStore } from "../support/memory-metadata-store.js";
import { amongNeighbours } from "../support/neighbours.js";

metadataStoreContract("the in-memory double", async () => createMemoryMetadataStore());
artifactIndexContract("the in-memory double", async () => createMemoryMetadataStore());
artifactIndexContract("the in-memory double under a bucket prefix", () => amongNeighbours(createMemoryMetadataStore()));
