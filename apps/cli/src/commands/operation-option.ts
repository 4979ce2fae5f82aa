import { InvalidArgumentError, Option } from "commander";
import type { OperationId } from "@stakebts/kernel/operation-id";

export const operationOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text: string) => {
    if (!/^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$/u.test(text))
      throw new InvalidArgumentError("Expected the place of a transfer, block:trx:op, such as 60692861:0:0.");
    return text as OperationId;
  });
