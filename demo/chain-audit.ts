import { once } from "node:events";
import WebSocket from "ws";

/** A transfer as it stands in an irreversible block. */
export interface SeenTransfer {
  readonly blockNum: number;
  readonly timeSeconds: number;
  readonly from: string;
  readonly to: string;
  readonly amountShares: bigint;
}

interface WireBlock {
  readonly timestamp: string;
  readonly transactions: readonly { readonly operations: readonly [number, WireTransfer][] }[];
}
interface WireTransfer {
  readonly from: string;
  readonly to: string;
  readonly amount: { readonly amount: number | string; readonly asset_id: string };
}

/**
 * Reads the chain with nothing of the product: a socket, JSON and a loop over every irreversible block. What it finds is
 * what any reader of the chain would find.
 */
export class ChainAudit {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: unknown) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as { id: number; result: unknown };
      this.#answers.get(answer.id)?.(answer.result);
      this.#answers.delete(answer.id);
    });
  }

  static async connect(url: string): Promise<ChainAudit> {
    const socket = new WebSocket(url);
    await once(socket, "open");
    return new ChainAudit(socket);
  }

  #call(method: string, args: readonly unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve) => this.#answers.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method: "call", params: [0, method, args] }));
    return answer;
  }

  async head(): Promise<{ blockNum: number; irreversible: number; timeSeconds: number }> {
    const head = (await this.#call("get_dynamic_global_properties", [])) as {
      head_block_number: number;
      last_irreversible_block_num: number;
      time: string;
    };
    return {
      blockNum: head.head_block_number,
      irreversible: head.last_irreversible_block_num,
      timeSeconds: seconds(head.time),
    };
  }

  /** Every transfer of the core asset from block 1 to the last irreversible one, with names. */
  async transfers(): Promise<readonly SeenTransfer[]> {
    const { irreversible } = await this.head();
    const blocks = await Promise.all(
      Array.from(
        { length: irreversible },
        (_, index) => this.#call("get_block", [index + 1]) as Promise<WireBlock>,
      ),
    );
    const found = blocks.flatMap((block, index) =>
      block.transactions.flatMap(({ operations }) =>
        operations
          .filter(([tag, operation]) => tag === 0 && operation.amount.asset_id === "1.3.0")
          .map(([, { from, to, amount }]) => ({
            blockNum: index + 1,
            timeSeconds: seconds(block.timestamp),
            from,
            to,
            amountShares: BigInt(amount.amount),
          })),
      ),
    );
    const ids = [...new Set(found.flatMap(({ from, to }) => [from, to]))];
    const accounts = (await this.#call("get_accounts", [ids])) as { id: string; name: string }[];
    const names = new Map(accounts.map(({ id, name }) => [id, name]));
    return found.map((transfer) => ({
      ...transfer,
      from: names.get(transfer.from) ?? transfer.from,
      to: names.get(transfer.to) ?? transfer.to,
    }));
  }

  close(): void {
    this.#socket.close();
  }
}

const seconds = (time: string): number => Date.parse(`${time}Z`) / 1000;
