export { blockIdOf, blockNumOf, merkleRootOf, refBlockOf } from "./block-id.ts";
export { type ChainClient, type ChainClientOptions, createChainClient } from "./chain-client.ts";
export { transferFee } from "./fees.ts";
export { isPublicKey, KeyFormatError, type PrivateKey, privateKeyFromWif, publicKeyFromWif } from "./keys.ts";
export { createMemoReader, createMemoWriter } from "./memo-cipher.ts";
export { type NodeState } from "./node-pool.ts";
export { type ChainLog, nodeDisplayName } from "./rpc-connection.ts";
export { createSigner } from "./signer.ts";
export { parseSignedTransaction, transactionId, transactionToWire } from "./transaction-codec.ts";
