// The command line of Prisma loads this module at every command, and uses it in the one that is not used here.
module.exports = new Proxy(
  {},
  {
    get() {
      throw new Error("a part of Prisma is left out of this repository: see docs/dependencies.md");
    },
  },
);
