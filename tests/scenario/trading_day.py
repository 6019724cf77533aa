# SPDX-License-Identifier: Apache-2.0
"""A trading day of a made-up desk in Tokyo, as its applications log it, with an incident of each kind. The same seed gives
the same bytes. Names of fields and actions are those of `tapewatch demo`.

Run by itself it writes the day: trading_day.py FILE [SEED]."""
import json
import random
import sys
import time

MIDNIGHT = 1_767_538_800  # 2026-01-05T00:00:00+09:00, a Monday
USERS = ("tanaka", "suzuki", "sato", "weber", "jones", "ito", "mueller", "yamada")
SUPERVISORS = ("supervisor-1", "supervisor-2", "supervisor-3")
SYMBOLS = {"7203.T": 2800.0, "6758.T": 13200.0, "9984.T": 8100.0, "8306.T": 1700.0}
VENUES = ("TSE", "OSE", "JNX")
COMPONENTS = ("demo-oms", "demo-risk", "demo-auth", "demo-reports", "demo-feed", "demo-settlement")


def at(clock):
    """Seconds of "10:30" or "10:30:05" in Tokyo."""
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return MIDNIGHT + hours * 3600 + minutes * 60 + sum(seconds)


class Day:
    def __init__(self, seed=42):
        self.rng = random.Random(seed)
        self.planned = []  # (time, number, line)
        self.orders = 0
        self.expected = []  # (rule, group), of incidents
        self.rejecting = self.slow = self.unheard = (0, 0)

    def log(self, when, service, message, level="INFO", **fields):
        line = {"@timestamp": "", "log.level": level, "log.logger": service.replace("-", "."), "message": message,
                "service.name": service}
        line.update((name.replace("__", "."), value) for name, value in fields.items())
        self.planned.append((round(when * 1000), len(self.planned), line))

    def incident(self, rule, **group):
        self.expected.append((rule, {name.replace("__", "."): value for name, value in group.items()}))

    def text(self):
        out = []
        for ms, _, line in sorted(self.planned, key=lambda entry: entry[:2]):
            if self.unheard[0] * 1000 <= ms < self.unheard[1] * 1000 and line["service.name"] == "demo-risk":
                continue
            line["@timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"
            out.append(json.dumps(line, ensure_ascii=False))
        return ("\n".join(out) + "\n").encode()

    # What happens on every day.

    def order(self, when, user=None, venue=None, approve=None, symbol=None, quantity=None, **more):
        """Submitted, checked, approved when it is large, routed, filled; or rejected."""
        rng = self.rng
        self.orders += 1
        order = f"ORD-{self.orders:06d}"
        user, venue, symbol = user or rng.choice(USERS), venue or rng.choice(VENUES), symbol or rng.choice(list(SYMBOLS))
        price = SYMBOLS[symbol] * (1 + rng.gauss(0, 0.002))
        quantity = quantity or 100 * rng.randrange(1, 50)
        self.log(when, "demo-oms", "注文を受け付けました", order__id=order, order__symbol=symbol, order__side=rng.choice(("buy", "sell")),
                 order__quantity=quantity, event__action="order-submitted", user__id=user,
                 **{"order__price_deviation_pct": round(rng.uniform(-1, 1), 2), **more})
        when += rng.uniform(0.002, 0.02)
        self.log(when, "demo-risk", "Limit check", "DEBUG", order__id=order, event__duration=rng.randrange(10**6))
        rejecting = self.rejecting[0] <= when < self.rejecting[1]
        unheard = self.unheard[0] - 5 <= when < self.unheard[1]
        if approve is None and not unheard and rng.random() < (0.9 if rejecting else 0.05):
            self.log(when + 0.003, "demo-risk", "余力不足のため注文を拒否しました", "WARNING", order__id=order, event__action="order-rejected",
                     event__reason="limit exceeded")
            return order, when
        if approve is None and rng.random() < 0.05:
            approve = rng.choice(SUPERVISORS)
        if approve:
            self.log(when + 0.01, "demo-oms", "Approval requested", order__id=order, event__action="approval-requested")
            when += rng.uniform(2, 45)
            if approve != "nobody":
                self.log(when, "demo-oms", "Approval granted", order__id=order, event__action="approval-granted", user__id=approve)
            when += 0.5
        slow = venue == "OSE" and self.slow[0] <= when < self.slow[1]
        latency = rng.uniform(700, 1500) if slow else rng.gammavariate(6, 1.5) + 2
        when += latency / 1000
        self.log(when, "demo-oms", "Order routed to venue", order__id=order, order__venue=venue, event__action="order-routed",
                 order__latency_ms=round(latency, 3))
        fills = rng.randrange(1, 4)
        for _ in range(fills):
            when += rng.uniform(0.01, 2)
            self.fill(when, order, symbol, quantity // fills, price)
        return order, when

    def fill(self, when, order, symbol, quantity, price, trade=None):
        trade = trade or f"TRD-{self.rng.randrange(16**8):08x}"
        self.log(when, "demo-oms", "約定しました", order__id=order, trade__id=trade, trade__symbol=symbol, trade__quantity=quantity,
                 trade__price=round(price, 1), event__action="trade-executed")
        return trade

    def login(self, when, user, outcome="success", session=None, **more):
        self.log(when, "demo-auth", "Login", "INFO" if outcome == "success" else "WARNING", event__action="user-login",
                 event__outcome=outcome, user__id=user, **({"session__id": session} if session else {}),
                 **{"source__ip": f"10.20.0.{10 + USERS.index(user) if user in USERS else 99}", **more})

    def background(self):
        rng = self.rng
        for component in COMPONENTS:
            when = at("05:30") + rng.uniform(0, 30)
            while when < at("15:30"):
                self.log(when, component, "alive", "DEBUG")
                when += 60
        for number, user in enumerate(USERS + SUPERVISORS):
            session = f"ses-{number:04d}"
            self.login(at("08:10") + 97 * number, user, session=session)
            self.log(at("15:12") + 40 * number, "demo-auth", "Logged out", event__action="user-logout", session__id=session,
                     user__id=user)
        when = at("08:55")
        while when < at("15:05"):
            when += rng.expovariate(1 / 4)
            self.order(when)
        when = at("08:40")
        while when < at("15:10"):
            when += 5
            symbol = rng.choice(list(SYMBOLS))
            if not at("13:30") <= when < at("13:33"):
                self.log(when, "demo-feed", "tick", "DEBUG", event__action="tick", order__symbol=symbol, price=SYMBOLS[symbol])
        when = at("08:30")
        while when < at("15:10"):
            when += rng.expovariate(1 / 120)
            self.log(when, "demo-oms", "Retry of a request", "ERROR", error__type="java.net.SocketTimeoutException")
        for number in range(6):
            self.log(at("09:20") + 3100 * number, "demo-reports", "Data exported", event__action="data-exported",
                     user__id=USERS[number], export__rows=20_000 + number)

    # What does not.

    def incidents_of_people(self):
        for number in range(8):
            self.login(at("09:40") + 2 * number, "suzuki", "failure", source__ip="203.0.113.7")
        self.login(at("09:40:20"), "suzuki", source__ip="203.0.113.7")
        self.incident("brute_force_login", user__id="suzuki")
        self.incident("login_after_brute_force", user__id="suzuki")
        for number in range(12):
            self.login(at("10:05") + 3 * number, f"guess-{number}", "failure", source__ip="198.51.100.9")
        self.incident("password_spraying", address="198.51.100.9")
        for number in range(5):
            self.log(at("10:20") + 20 * number, "demo-auth", "Second factor refused", event__action="mfa-denied", user__id="ito")
        self.incident("mfa_fatigue", user__id="ito")
        self.login(at("10:31"), "ex-trader", "failure", event__reason="account disabled")
        self.incident("disabled_account_used")
        for number, country in enumerate(("JP", "JP", "BR")):
            self.log(at("11:02") + 60 * number, "demo-oms", "GET /api/v1/positions", session__id="ses-0003",
                     source__geo__country_iso_code=country)
        self.incident("session_in_two_countries", session__id="ses-0003")
        for number in range(6):
            self.log(at("11:10") + 5 * number, "demo-oms", "GET /api/v1/quotes", api_key__id="key-17",
                     source__ip=f"192.0.2.{number + 1}")
        self.incident("api_key_shared", api_key__id="key-17")
        self.log(at("13:05"), "demo-auth", "Permission changed", "WARNING", event__action="permission-changed",
                 user__id="yamada", user__target__id="yamada", user__roles="trader,reports")
        self.incident("self_granted_permission")
        self.log(at("13:12"), "demo-reports", "Data exported", event__action="data-exported", user__id="yamada",
                 export__rows=900)
        self.incident("self_granted_rights_used", user__id="yamada")
        self.log(at("05:45"), "demo-reports", "Data exported", event__action="data-exported", user__id="jones",
                 export__rows=4_000)
        self.incident("data_export_at_night")
        for number in range(3):
            self.log(at("14:00") + 600 * number, "demo-reports", "Data exported", event__action="data-exported",
                     user__id="mueller", export__rows=2_000_000)
        self.incident("data_export_volume", user__id="mueller")
        for number in range(11):
            self.log(at("14:40") + 30 * number, "demo-reports", "Data exported", event__action="data-exported",
                     user__id="weber", export__rows=50)
        self.incident("data_export_burst", user__id="weber")
        for number in range(5):
            self.log(at("14:02") + 20 * number, "demo-auth", "Permission changed", event__action="permission-changed",
                     user__id="admin-1", user__target__id=USERS[number], user__roles="trader")
        self.incident("permission_change_burst", user__id="admin-1")

    def incidents_of_orders(self):
        order, _ = self.order(at("09:31"), user="sato", approve="nobody", quantity=4_900)
        self.incident("execution_without_approval", order__id=order)
        order, _ = self.order(at("09:52"), user="weber", approve="weber", quantity=4_900)
        self.incident("four_eyes", order__id=order)
        self.orders += 1
        order = f"ORD-{self.orders:06d}"
        self.log(at("10:40"), "demo-oms", "Order accepted", order__id=order, order__symbol="8306.T", order__side="buy",
                 order__quantity=4_800, event__action="order-submitted", user__id="ito")
        self.log(at("10:40:01"), "demo-oms", "Approval requested", order__id=order, event__action="approval-requested")
        self.log(at("10:40:30"), "demo-oms", "Approval granted", order__id=order, event__action="approval-granted",
                 user__id="supervisor-2")
        self.log(at("10:40:31"), "demo-oms", "Order routed to venue", order__id=order, order__venue="TSE",
                 event__action="order-routed", order__latency_ms=9.1)
        self.fill(at("10:49"), order, "8306.T", 4_800, 1701)
        self.incident("late_execution", order__id=order)
        order, when = self.order(at("11:20"), user="jones", approve="supervisor-1", symbol="7203.T", quantity=4_700)
        trade = self.fill(when + 1, order, "7203.T", 100, 2801)
        self.fill(when + 1.2, order, "7203.T", 100, 2801, trade)
        self.incident("duplicate_execution", trade__id=trade)
        self.orders += 1
        order = f"ORD-{self.orders:06d}"
        self.log(at("12:40"), "demo-oms", "Order accepted", order__id=order, order__symbol="7203.T", order__side="buy",
                 order__quantity=200, event__action="order-submitted", user__id="sato")
        self.incident("order_without_answer", order__id=order)
        self.order(at("10:12"), user="tanaka", approve="supervisor-3", order__price_deviation_pct=12.4)
        self.incident("price_outside_band")
        self.order(at("10:15"), user="tanaka", approve="supervisor-3", quantity=5_000_000)
        self.incident("fat_finger_order")
        for number in range(520):
            self.order(at("13:50") + number / 80, user="jones", approve="", venue="TSE")
        self.incident("order_flood", user__id="jones")
        for number in range(55):
            self.log(at("13:58") + number / 10, "demo-oms", "Order cancelled", event__action="order-cancelled", user__id="jones",
                     order__id=f"ORD-{900_000 + number}")
        self.incident("order_cancel_burst", user__id="jones")
        self.incident("order_reject_ratio", service__name="demo-risk")
        self.incident("order_latency_high", order__venue="OSE")
        self.log(at("14:20"), "demo-risk", "Limit passed", "WARNING", event__action="risk-limit-breached", user__id="ito")
        self.incident("risk_limit_breached")
        self.log(at("14:21"), "demo-risk", "Kill switch pressed", "WARNING", event__action="kill-switch", user__id="supervisor-1")
        self.incident("trading_halt")

    def incidents_of_machines(self):
        for number in range(60):
            self.log(at("11:40") + 4 * number, "demo-oms", "Order book is crossed", "ERROR", error__type="IllegalStateException")
        self.incident("error_spike", service__name="demo-oms")
        self.incident("component_silent", service__name="demo-risk")
        self.incident("market_data_silent", service__name="demo-feed")
        for clock, rule, service, message, fields in (
                ("09:10", "exchange_disconnected", "demo-oms", "取引所との接続が切断されました", {"event__action": "venue-disconnected", "level": "ERROR"}),
                ("09:15", "critical_line", "demo-risk", "Model of the day is missing", {"level": "CRITICAL"}),
                ("10:25", "market_data_stale", "demo-feed", "stale quote for 6758.T", {}),
                ("10:55", "out_of_memory", "demo-reports", "java.lang.OutOfMemoryError: Java heap space", {"level": "ERROR"}),
                ("12:10", "disk_full", "demo-settlement", "write: No space left on device", {"level": "ERROR"}),
                ("12:15", "host_disk_nearly_full", "demo-settlement", "figures", {"system__filesystem__used__pct": 0.97}),
                ("12:20", "host_memory_nearly_full", "demo-settlement", "figures", {"system__memory__actual__used__pct": 0.96}),
                ("12:25", "clock_off", "demo-oms", "clock", {"clock__offset_ms": 240}),
                ("14:30", "audit_stopped", "demo-auth", "Audit trail has a gap", {"event__action": "audit-gap"}),
                ("14:50", "settlement_failed", "demo-settlement", "No cash", {"event__action": "settlement-failed", "trade__id": "TRD-1"}),
                ("15:01", "reconciliation_break", "demo-settlement", "Positions differ", {"event__action": "position-break"})):
            self.log(at(clock), service, message, **fields)
            self.incident(rule)
        for number in range(3):
            self.log(at("15:06") + 60 * number, "demo-reports", "Started", event__action="service-started")
        self.incident("restart_loop", service__name="demo-reports")
        for number in range(60):
            self.log(at("09:00") + number / 2, "demo-oms", "GET /api/v1/orders 503", event__action="http-request",
                     http={"response": {"status_code": 503}})
        self.incident("server_error_burst")

    def make(self):
        self.rejecting = (at("10:00"), at("10:08"))
        self.slow = (at("14:05"), at("14:12"))
        self.unheard = (at("13:15"), at("13:24"))
        self.background()
        self.incidents_of_people()
        self.incidents_of_orders()
        self.incidents_of_machines()
        return self


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as out:
        out.write(Day(int(sys.argv[2]) if len(sys.argv) > 2 else 42).make().text())
