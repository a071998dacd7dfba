// SPDX-License-Identifier: Apache-2.0
#include "app/server_view.hpp"

#include <algorithm>
#include <iterator>

#include "app/settings_text.hpp"
#include "app/version.hpp"
#include "codec/json_writer.hpp"
#include "http/metrics.hpp"
#include "http/process_figures.hpp"
#include "util/log.hpp"

namespace roomcast {

NodeView::NodeView(const LoadedSettings& loaded, const Broker& broker, const PresenceStore& store)
    : broker_(broker),
      store_(store),
      node_name_(loaded.settings.node_name),
      config_(settings_json(loaded)) {}

void NodeView::watch(Hub& hub) {
    for (ShardIndex i = 0; i < hub.shard_count(); ++i)
        shards_.push_back(&hub.shard(i).metrics());
}

std::string NodeView::unready_reason() const {
    if (is_draining_) return "the server is draining";
    if (!broker_.is_connected()) return "the broker cannot be reached";
    if (!store_.is_connected()) return "the presence store cannot be reached";
    return {};
}

std::string NodeView::metrics() const {
    http::NodeFigures figures;
    figures.version = kVersion;
    figures.broker = broker_.name();
    figures.presence_store = store_.name();
    figures.log_lines_dropped = log::dropped_lines();
    figures.backends = broker_.figures();
    std::ranges::copy(store_.figures(), std::back_inserter(figures.backends));
    figures.is_ready = unready_reason().empty();
    figures.process = http::read_process_figures();
    return http::metrics_text(shards_, figures);
}

std::string NodeView::stats() const {
    std::string text = "{\"version\":";
    json::append_string(text, kVersion);
    text += ",\"node\":";
    json::append_string(text, node_name_);
    text += ",\"broker\":";
    json::append_string(text, broker_.name());
    text += ",\"presence_store\":";
    json::append_string(text, store_.name());
    text += ",\"shards\":" + std::to_string(shards_.size()) + ',';
    text += http::stats_fields(shards_, http::read_process_figures());
    text += '}';
    return text;
}

}  // namespace roomcast
