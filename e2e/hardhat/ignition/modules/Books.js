// Contracts that depend on each other, calls, an event's argument, a static call and a transfer.

import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

export default buildModule("Books", (m) => {
    const ledger = m.contract("Ledger", [100n]);
    const first = m.call(ledger, "enter", [11n], { id: "first", value: 5n });
    const total = m.readEventArgument(first, "Entered", "total");
    const second = m.call(ledger, "enter", [31n], { id: "second", from: m.getAccount(1), after: [first] });
    const auditor = m.contract("Auditor", [ledger, total], { after: [second] });
    const difference = m.staticCall(auditor, "difference");
    m.call(ledger, "enter", [difference], { id: "third" });
    // Without data Ignition estimates 0x and signs 0x00, which is short of gas.
    m.send("gift", m.getAccount(2), 3n, "0xaa");
    return { ledger, auditor };
});
