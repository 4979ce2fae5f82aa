export { type BittrexOptions, createBittrexExchange } from "./bittrex.ts";
