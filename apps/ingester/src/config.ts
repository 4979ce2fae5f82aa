import { checkQuorum, readEnvironment, settings } from "@stakebts/core/config";
import { z } from "zod";

const schema = z
  .object({
    DATABASE_URL: settings.DATABASE_URL,
    REDIS_URL: settings.REDIS_URL,
    STAKEBTS_NODES: settings.STAKEBTS_NODES,
    STAKEBTS_NODE_QUORUM: settings.STAKEBTS_NODE_QUORUM,
    STAKEBTS_CUSTODIAN: settings.STAKEBTS_CUSTODIAN,
    STAKEBTS_MEMO_KEY: settings.STAKEBTS_MEMO_KEY,
    STAKEBTS_POLICY: settings.STAKEBTS_POLICY,
    STAKEBTS_REPLAY: settings.STAKEBTS_REPLAY,
    STAKEBTS_SKIP_BLOCKS: settings.STAKEBTS_SKIP_BLOCKS,
    STAKEBTS_POLL_MS: settings.STAKEBTS_POLL_MS,
    LOG_LEVEL: settings.LOG_LEVEL,
  })
  .check(checkQuorum);

export const readConfig = () => readEnvironment(schema, process.env);
