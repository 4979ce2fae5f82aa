import { type Deadline, startDeadline } from "./deadline.ts";
import type { Node } from "./node-pool.ts";
import type { RpcConnection } from "./rpc-connection.ts";

/** What one node answered to a question that several were asked. */
export interface Vote<T> {
  readonly node: Node;
  readonly answer: T;
  /** Two answers are the same when this is. */
  readonly text: string;
}

/** When there is enough the others get this much longer to object: a dead node must not slow down every question. */
const OBJECTION_MS = 1_000;

/**
 * The answers of those nodes that give one, until all have, or there is enough and no node has objected for a second.
 * @param failed told of a node that gave none
 */
export async function collectVotes<T>(
  nodes: readonly Node[],
  ask: (connection: RpcConnection) => Promise<T>,
  {
    text,
    isEnough,
    failed,
  }: {
    text: (answer: T) => string;
    isEnough: (votes: readonly Vote<T>[]) => boolean;
    failed: (node: Node, error: unknown) => void;
  },
): Promise<readonly Vote<T>[]> {
  const votes: Vote<T>[] = [];
  let deadline: Deadline | undefined;
  let waitNoLonger: () => void = () => {};
  const longEnough = new Promise<void>((resolve) => (waitNoLonger = resolve));
  const asked = nodes.map(async (node) => {
    try {
      const answer = await ask(node.connection);
      votes.push({ node, answer, text: text(answer) });
      if (isEnough(votes)) deadline ??= startDeadline(OBJECTION_MS, waitNoLonger);
    } catch (error) {
      failed(node, error);
    }
  });
  try {
    await Promise.race([Promise.all(asked), longEnough]);
  } finally {
    deadline?.cancel();
  }
  return [...votes];
}

/** How many gave each answer. */
export function voteTally(votes: readonly Vote<unknown>[]): ReadonlyMap<string, number> {
  const tally = new Map<string, number>();
  for (const { text } of votes) tally.set(text, (tally.get(text) ?? 0) + 1);
  return tally;
}
