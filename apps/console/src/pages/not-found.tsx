import type { Html } from "../form.ts";
import { consolePage, type Frame } from "../view/layout.tsx";

/** A page for something that the ledger does not have. */
export const noSuchPage = (frame: Frame, what: string, list: string): Html =>
  consolePage(frame, {
    title: `No such ${what}`,
    here: list,
    children: (
      <>
        <h1>There is no such {what}</h1>
        <p>
          The ledger does not have it. A name may be typed wrongly, or its block is not read yet.{" "}
          <a href={list}>All of them</a>
        </p>
      </>
    ),
  });
