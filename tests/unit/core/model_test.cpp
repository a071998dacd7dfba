// SPDX-License-Identifier: Apache-2.0
// Random commands of many connections against what every listener must see.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;

constexpr int kChannels = 3;
constexpr int kUsers = 4;
constexpr int kConnections = 8;
constexpr int kSteps = 400;

std::string name_of(int channel) {
    return "c" + std::to_string(channel);
}

/// What one connection must have understood from the documents it got, checked as they come.
class View {
public:
    void hear(const std::string& document) {
        const std::string type = json_field(document, "type");
        const std::string channel = json_field(document, "channel");
        if (const std::string id = json_field(document, "id"); !id.empty()) {
            EXPECT_TRUE(answered_.insert(std::stoi(id)).second) << "answered twice: " << document;
        }
        if (type == "subscribed" || type == "unsubscribed") {
            const int id = std::stoi(json_field(document, "id"));
            EXPECT_GT(id, std::exchange(last_listen_[channel], id)) << "overtaken: " << document;
        }
        if (type == "subscribed") {
            set_listen(channel, json_field(document, "listen"));
        } else if (type == "unsubscribed") {
            set_listen(channel, "[]");
        } else if (type == "broadcast") {
            EXPECT_TRUE(is_listening_.contains(channel)) << document;
            spans_[channel].back().push_back(std::stoi(json_field(document, "payload")));
        } else if (type == "presence_sync") {
            load(channel, json_field(document, "users"));
        } else if (type.starts_with("presence_")) {
            change(channel, type, document);
        } else {
            EXPECT_EQ(type, "ack") << document;
        }
    }

    [[nodiscard]] const std::set<int>& answered() const { return answered_; }

    [[nodiscard]] bool is_listening(const std::string& channel) const {
        return is_listening_.contains(channel);
    }

    [[nodiscard]] bool has_roster(const std::string& channel) const {
        return rosters_.contains(channel);
    }

    [[nodiscard]] std::map<std::string, std::string> roster(const std::string& channel) const {
        return rosters_.at(channel);
    }

    /// The messages of each uninterrupted time of listening.
    [[nodiscard]] const std::vector<std::vector<int>>& spans(const std::string& channel) {
        return spans_[channel];
    }

private:
    void set_listen(const std::string& channel, const std::string& listen) {
        if (listen.find("broadcast") == std::string::npos) {
            is_listening_.erase(channel);
        } else if (is_listening_.insert(channel).second) {
            spans_[channel].emplace_back();
        }
        if (listen.find("presence") == std::string::npos) {
            rosters_.erase(channel);
            awaits_sync_.erase(channel);
        } else {
            awaits_sync_.insert(channel);
        }
    }

    void load(const std::string& channel, std::string_view users) {
        EXPECT_EQ(awaits_sync_.erase(channel), 1U) << "a sync that was not asked for";
        auto& roster = rosters_[channel];
        roster.clear();
        while (users.find("{\"user_id\"") != std::string_view::npos) {
            users = users.substr(users.find("{\"user_id\""));
            roster[json_field(users, "user_id")] = json_field(users, "meta");
            users = users.substr(1);
        }
    }

    void change(const std::string& channel, const std::string& type, const std::string& document) {
        ASSERT_TRUE(rosters_.contains(channel)) << "before the sync: " << document;
        auto& roster = rosters_[channel];
        const std::string user = json_field(document, "user_id");
        EXPECT_EQ(roster.contains(user), type != "presence_join") << document;
        if (type == "presence_leave") {
            roster.erase(user);
        } else {
            roster[user] = json_field(document, "meta");
        }
    }

    std::set<int> answered_;
    std::map<std::string, int> last_listen_;  // the id of the listen command answered last
    std::set<std::string> is_listening_;
    std::set<std::string> awaits_sync_;
    std::map<std::string, std::vector<std::vector<int>>> spans_;
    std::map<std::string, std::map<std::string, std::string>> rosters_;
};

struct Connection {
    std::unique_ptr<TestClient> client;
    std::string user;
    View view;
    std::set<int> asked;
    std::set<std::string> joined;

    void hear() {
        for (const std::string& document : client->take())
            view.hear(document);
    }
};

class ModelTest : public CoreTest {
protected:
    int random(int below) {
        return static_cast<int>(random_() % static_cast<std::uint32_t>(below));
    }

    void run(std::uint32_t seed, bool is_instant) {
        SCOPED_TRACE("seed " + std::to_string(seed) + (is_instant ? ", instant" : ", slow"));
        random_.seed(seed);
        limits_.message_rate = 0;
        limits_.presence_rate = seed % 2 ? 0 : 20;
        broker_.set_instant(is_instant);
        store_.set_instant(is_instant);
        start(tap_, "tap");
        for (int channel = 0; channel < kChannels; ++channel) {
            ask(tap_, R"("type":"subscribe","listen":["broadcast","presence"])", channel);
        }
        rest();
        for (int step = 0; step < kSteps && !HasFailure(); ++step) {
            act();
            if (step % 100 == 99) rest_and_check();
        }
        for (Connection& connection : connections_)
            stop(connection);
        rest_and_check();
    }

    void start(Connection& connection, std::string user) {
        connection.user = user;
        connection.client = std::make_unique<TestClient>(
            hub(), static_cast<ShardIndex>(random(GetParam())), std::move(user));
    }

    void stop(Connection& connection) {
        if (!connection.client) return;
        connection.hear();
        check_spans(connection);
        constexpr EndReason kReasons[] = {
            EndReason::closed_by_client, EndReason::lost, EndReason::closed_by_api};
        connection.client->end(kReasons[random(3)]);
        connection = {};
    }

    void ask(Connection& connection, const std::string& fields, int channel) {
        const int id = ++ids_;
        connection.asked.insert(id);
        connection.client->say("{" + fields + R"(,"id":)" + std::to_string(id) + R"(,"channel":")" +
                               name_of(channel) + "\"}");
    }

    void act() {
        hub().turn(static_cast<ShardIndex>(random(GetParam())));
        if (random(3) == 0) store_.do_one();
        if (random(20) == 0) broker_.confirm_all();
        if (random(5) == 0) broker_.deliver_all();
        if (random(4) == 0) clock_.advance(std::chrono::milliseconds(random(400)));
        Connection& connection = connections_[static_cast<std::size_t>(random(kConnections))];
        if (!connection.client) {
            return start(connection, "user" + std::to_string(random(kUsers)));
        }
        connection.hear();
        const int channel = random(kChannels);
        const std::string meta = R"(,"payload":{"n":)" + std::to_string(random(3)) + '}';
        switch (random(12)) {
            case 0:
                return stop(connection);
            case 1:
            case 2:
                return ask(connection, R"("type":"subscribe","listen":["broadcast"])", channel);
            case 3:
                return ask(connection, R"("type":"subscribe","listen":["presence"])", channel);
            case 4:
                return ask(
                    connection, R"("type":"subscribe","listen":["broadcast","presence"])", channel);
            case 5:
                return ask(connection, R"("type":"subscribe","listen":[])", channel);
            case 6:
                return ask(connection, R"("type":"unsubscribe")", channel);
            case 7:
                connection.joined.insert(name_of(channel));
                return ask(connection, R"("type":"presence_join")" + meta, channel);
            case 8:
                connection.joined.insert(name_of(channel));
                return ask(connection, R"("type":"presence_update")" + meta, channel);
            case 9:
                connection.joined.erase(name_of(channel));
                return ask(connection, R"("type":"presence_leave")", channel);
            default:
                return broadcast(connection, channel);
        }
    }

    void broadcast(Connection& connection, int channel) {
        ask(connection,
            R"("type":"broadcast","event":"e","payload":)" + std::to_string(++sent_),
            channel);
    }

    /// Until nothing is under way, all graces are over and all updates are through.
    void rest() {
        for (int i = 0; i < 12; ++i) {
            settle();
            broker_.confirm_all();
            broker_.deliver_all();
            store_.do_all();
            settle();
            if (i > 3) clock_.advance(1s);
        }
    }

    void rest_and_check() {
        rest();
        // One more on each channel, which everybody who listens must get.
        for (int channel = 0; channel < kChannels; ++channel)
            broadcast(tap_, channel);
        const int last = sent_;
        rest();
        tap_.hear();
        EXPECT_EQ(tap_.view.answered(), tap_.asked);
        std::map<std::string, std::set<std::string>> present;
        for (Connection& connection : connections_) {
            if (!connection.client) continue;
            connection.hear();
            EXPECT_EQ(connection.view.answered(), connection.asked);
            check_spans(connection);
            for (const std::string& channel : connection.joined) {
                present[channel].insert(connection.user);
            }
        }
        for (int i = 0; i < kChannels; ++i) {
            const std::string channel = name_of(i);
            const auto truth = tap_.view.roster(channel);
            std::set<std::string> users;
            for (const auto& [user, meta] : truth)
                users.insert(user);
            EXPECT_EQ(users, present[channel]) << channel;
            for (Connection& connection : connections_) {
                if (!connection.client) continue;
                if (connection.view.has_roster(channel)) {
                    EXPECT_EQ(connection.view.roster(channel), truth) << channel;
                }
                if (connection.view.is_listening(channel)) {
                    EXPECT_EQ(connection.view.spans(channel).back().back(),
                              last - kChannels + 1 + i);
                }
            }
        }
    }

    /// Each time of listening must have seen a piece of the one order, without a hole.
    void check_spans(Connection& connection) {
        tap_.hear();
        for (int channel = 0; channel < kChannels; ++channel) {
            // In this moment the tap, on another shard, may not have heard the latest yet.
            settle();
            tap_.hear();
            const std::vector<int>& all = tap_.view.spans(name_of(channel)).front();
            for (const std::vector<int>& span : connection.view.spans(name_of(channel))) {
                EXPECT_FALSE(std::ranges::search(all, span).empty() && !span.empty())
                    << "a hole, a double or another order on " << name_of(channel) << ": "
                    << testing::PrintToString(span) << " in " << testing::PrintToString(all);
            }
        }
    }

private:
    std::mt19937 random_;
    Connection tap_;
    std::array<Connection, kConnections> connections_;
    int ids_ = 0;
    int sent_ = 0;
};

/// A fresh fixture for each seed: the parameter is the number of shards.
#define MODEL_TEST(name, seed, is_instant) \
    TEST_P(ModelTest, name) {              \
        run(seed, is_instant);             \
    }

MODEL_TEST(ViewsAddUpWithSeed1, 1, true)
MODEL_TEST(ViewsAddUpWithSeed2, 2, true)
MODEL_TEST(ViewsAddUpWithSeed3, 3, true)
MODEL_TEST(ViewsAddUpWithSeed4, 4, true)
MODEL_TEST(ViewsAddUpBehindSlowBackendsWithSeed5, 5, false)
MODEL_TEST(ViewsAddUpBehindSlowBackendsWithSeed6, 6, false)
MODEL_TEST(ViewsAddUpBehindSlowBackendsWithSeed7, 7, false)
MODEL_TEST(ViewsAddUpBehindSlowBackendsWithSeed8, 8, false)

TEST_P(ModelTest, ViewsAddUpWithASeedNobodyChose) {
    run(std::random_device()(), true);
}

TEST_P(ModelTest, ViewsAddUpBehindSlowBackendsWithASeedNobodyChose) {
    run(std::random_device()(), false);
}

INSTANTIATE_CORE_TEST(ModelTest);

}  // namespace
}  // namespace roomcast
