import { createContext, useContext, type Child } from "hono/jsx";
import { type Tone } from "@stakebts/core/operators/columns";
import type { ExplorerLinks } from "@stakebts/core/config/policy-file";
import { formatShares, type Shares } from "@stakebts/kernel/amount";
import { isoText, NOTHING, numberText, sharesText, timeText } from "@stakebts/kernel/text";
import { operationPosition } from "@stakebts/kernel/operation-id";
import { pathTo } from "@stakebts/core/operators/console-paths";

// One component for each kind of value, so that an amount, a time or an id looks the same and is copied the same on every page.
// `data-copy` is what public/console.js copies when it is clicked.

/** Where the policy's block explorer shows things; empty: no links. */
export const Explorer = createContext<ExplorerLinks>({});

/** Whole BTS, with the unit. */
export const Bts = ({ amount }: { readonly amount: bigint }) => (
  <data class="amount" value={`${amount}`} data-copy={`${amount}`}>
    {numberText(amount)} <abbr>BTS</abbr>
  </data>
);

/** With what is behind the point, when there is anything. */
export const SharesText = ({ amount }: { readonly amount: Shares }) => (
  <data
    class="amount"
    value={formatShares(amount).replace(/ BTS$/u, "")}
    data-copy={formatShares(amount).replace(/ BTS$/u, "")}
  >
    {sharesText(amount).replace(/ BTS$/u, "")} <abbr>BTS</abbr>
  </data>
);

/** Minutes, UTC; the exact time is what is copied. */
export const Time = ({ ms }: { readonly ms: number | undefined }) =>
  ms === undefined ? (
    <span class="none">{NOTHING}</span>
  ) : (
    <time datetime={isoText(ms)} title={isoText(ms)} data-copy={isoText(ms)}>
      {timeText(ms)}
    </time>
  );

export const CopyButton = ({ text, what }: { readonly text: string; readonly what: string }) => (
  <button type="button" class="copy" data-copy={text} aria-label={`Copy ${what}`} title={`Copy ${what}`}>
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d="M5 3.5A1.5 1.5 0 0 1 6.5 2h5A1.5 1.5 0 0 1 13 3.5v6a1.5 1.5 0 0 1-1.5 1.5h-5A1.5 1.5 0 0 1 5 9.5zM3 5.5v7A1.5 1.5 0 0 0 4.5 14H10" />
    </svg>
  </button>
);

interface IdProps {
  readonly text: string;
  readonly href?: string | undefined;
  /** In words, where it stands alone on a page and not in a table: a button copies it. */
  readonly copy?: string | undefined;
  /** Only the beginning is shown. */
  readonly short?: boolean;
}

/** A name that machines gave: a key, a transaction id, a place on the chain. */
export const Id = ({ text, href, copy, short = false }: IdProps) => {
  const shown = short && text.length > 14 ? `${text.slice(0, 12)}…` : text;
  const code =
    href === undefined ? (
      <code class="key" data-copy={text} title={short ? text : undefined}>
        {shown}
      </code>
    ) : (
      <a href={href} class="key" title={short ? text : undefined}>
        <code>{shown}</code>
      </a>
    );
  return copy === undefined ? (
    code
  ) : (
    <span class="id">
      {code}
      <CopyButton text={text} what={copy} />
    </span>
  );
};

const outside = (template: string | undefined, what: string, value: string) =>
  template === undefined ? null : (
    <a
      class="outside"
      href={template.replace(`{${what}}`, encodeURIComponent(value))}
      rel="noreferrer noopener"
      target="_blank"
      aria-label={`${value} in the block explorer, in a new tab`}
      title="In the block explorer"
    >
      ↗
    </a>
  );

interface NamedProps {
  readonly copy?: boolean;
  readonly explorer?: boolean;
}

export const Account = ({ name, copy = false, explorer = copy }: NamedProps & { readonly name: string }) => {
  const links = useContext(Explorer);
  return (
    <span class="id">
      <a href={pathTo.nominator(name)}>{name}</a>
      {copy ? <CopyButton text={name} what="account" /> : null}
      {explorer ? outside(links.account, "account", name) : null}
    </span>
  );
};

export const Payout = ({ payoutKey, copy = false }: NamedProps & { readonly payoutKey: string }) => (
  <Id text={payoutKey} href={pathTo.payout(payoutKey)} copy={copy ? "payout key" : undefined} />
);

/** A place on the chain: its transfer, with the way to its block in the explorer. */
export const Operation = ({
  operation,
  copy = false,
  explorer = copy,
}: NamedProps & { readonly operation: string | undefined }) => {
  const links = useContext(Explorer);
  if (operation === undefined) return <span class="none">{NOTHING}</span>;
  const block = operationPosition(operation)?.blockNum;
  return (
    <span class="id">
      <Id text={operation} href={pathTo.transfer(operation)} copy={copy ? "operation" : undefined} />
      {explorer && block !== undefined ? outside(links.block, "block", String(block)) : null}
    </span>
  );
};

export const Block = ({
  blockNum,
  copy = false,
  explorer = copy,
}: NamedProps & { readonly blockNum: number | undefined }) => {
  const links = useContext(Explorer);
  return blockNum === undefined ? (
    <span class="none">{NOTHING}</span>
  ) : (
    <span class="id">
      <Id text={String(blockNum)} href={pathTo.block(blockNum)} copy={copy ? "block number" : undefined} />
      {explorer ? outside(links.block, "block", String(blockNum)) : null}
    </span>
  );
};

export const Transaction = ({
  txid,
  copy = false,
  explorer = copy,
}: NamedProps & { readonly txid: string | undefined }) => {
  const links = useContext(Explorer);
  return txid === undefined ? (
    <span class="none">{NOTHING}</span>
  ) : (
    <span class="id">
      <Id
        text={txid}
        href={pathTo.transaction(txid)}
        copy={copy ? "transaction id" : undefined}
        short={!copy}
      />
      {explorer ? outside(links.transaction, "transaction", txid) : null}
    </span>
  );
};

/** A state is said in words; colour and sign only help. */
export const Status = ({ text, tone }: { readonly text: string; readonly tone?: Tone | undefined }) => (
  <span class={`badge ${tone ?? ""}`}>{text.replaceAll("_", " ")}</span>
);

/** What is known of one thing, each under its name. */
export const Facts = ({ lines }: { readonly lines: readonly (readonly [Child, Child] | undefined)[] }) => (
  <dl class="facts">
    {lines.map((line) =>
      line === undefined ? null : (
        <div>
          <dt>{line[0]}</dt>
          <dd>{line[1]}</dd>
        </div>
      ),
    )}
  </dl>
);

/** What just happened, or what is wrong with what was asked for. */
export const Banner = ({
  tone,
  children,
}: {
  readonly tone: "good" | "bad" | "notice";
  readonly children?: Child;
}) => (
  <div class={`banner ${tone}`} role={tone === "bad" ? "alert" : "status"}>
    {children}
  </div>
);
