import type { Node } from "./node-pool.ts";
import type { RpcConnection } from "./rpc-connection.ts";

/** What one node answered to a question that several were asked. */
export interface Vote<T> {
  readonly node: Node;
  readonly answer: T;
  /** Two answers are the same when this is. */
  readonly text: string;
}

/** When enough agree the others get this much longer to object: a dead node must not slow down every question. */
const OBJECTION_MS = 1_000;

/** The answers of those nodes that give one, until all have, or enough agree and nobody has objected for a second. */
export async function collectVotes<T>(
  nodes: readonly Node[],
  ask: (connection: RpcConnection) => Promise<T>,
  { text, enough }: { text: (answer: T) => string; enough: number },
): Promise<readonly Vote<T>[]> {
  const votes: Vote<T>[] = [];
  let timer: NodeJS.Timeout | undefined;
  let waitNoLonger: () => void = () => {};
  const longEnough = new Promise<void>((resolve) => (waitNoLonger = resolve));
  const asked = nodes.map(async (node) => {
    const answer = await ask(node.connection);
    votes.push({ node, answer, text: text(answer) });
    if (Math.max(...voteTally(votes).values()) >= enough) timer ??= setTimeout(waitNoLonger, OBJECTION_MS);
  });
  try {
    await Promise.race([Promise.allSettled(asked), longEnough]);
  } finally {
    clearTimeout(timer);
  }
  return [...votes];
}

/** How many gave each answer. */
export function voteTally(votes: readonly Vote<unknown>[]): ReadonlyMap<string, number> {
  const tally = new Map<string, number>();
  for (const { text } of votes) tally.set(text, (tally.get(text) ?? 0) + 1);
  return tally;
}
