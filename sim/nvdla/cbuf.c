/*
 * The convolution buffer: two rings of entries, data in the first banks and weights in those
 * behind them. CDMA writes at one position, CSC reads at another; they never compare notes beyond
 * counts, so that a layer that leaves them apart spoils the next one.
 */
#include "device.h"

static uint32_t data_banks(uint32_t banks) {
    return nv_bits(banks, 4, 0) + 1;
}

static uint32_t weight_banks(uint32_t banks) {
    return nv_bits(banks, 20, 16) + 1;
}

void tenon_nv_cbuf_reset(struct tenon_nvdla_sim *sim) {
    sim->data_ring = (struct nv_ring){0};
    sim->weight_ring = (struct nv_ring){0};
    /* The registers of the last layer are all ones after reset: CSC_sg, last_data_bank. */
    sim->kept = (struct nv_kept){.banks = 0x001f001f};
}

/* The weights' ring starts anew with either change, the data's only with its own: CDMA_wt and
 * CDMA_dc, need_pending. */
void tenon_nv_cbuf_banks(struct tenon_nvdla_sim *sim, uint32_t banks) {
    uint32_t entries = sim->config->cbuf_bank_entries;
    if (data_banks(banks) != data_banks(sim->kept.banks) || sim->data_ring.capacity == 0) {
        sim->data_ring = (struct nv_ring){.capacity = data_banks(banks) * entries};
        sim->kept.slices = 0;
        sim->kept.all_slices = false;
    }
    if (banks != sim->kept.banks || sim->weight_ring.capacity == 0) {
        sim->weight_ring = (struct nv_ring){
            .base = data_banks(banks) * entries,
            .capacity = weight_banks(banks) * entries,
        };
        sim->kept.weights = false;
    }
    sim->kept.banks = banks;
}

uint32_t tenon_nv_ring_free(const struct nv_ring *ring) {
    return ring->valid < ring->capacity ? ring->capacity - ring->valid : 0;
}

void tenon_nv_ring_put(struct nv_ring *ring, uint32_t entries) {
    ring->write = (uint32_t)(((uint64_t)ring->write + entries) % ring->capacity);
    ring->valid += entries;
}

void tenon_nv_ring_release(struct nv_ring *ring, uint32_t entries) {
    ring->read = (uint32_t)(((uint64_t)ring->read + entries) % ring->capacity);
    ring->valid = ring->valid > entries ? ring->valid - entries : 0;
}

static size_t place(const struct tenon_nvdla_sim *sim, const struct nv_ring *ring,
                    uint32_t position) {
    return (size_t)(ring->base + position % ring->capacity) * sim->config->cbuf_entry_bytes;
}

uint8_t *tenon_nv_ring_write(struct tenon_nvdla_sim *sim, const struct nv_ring *ring,
                             uint32_t index) {
    return sim->cbuf + place(sim, ring, ring->write + index);
}

const uint8_t *tenon_nv_ring_read(const struct tenon_nvdla_sim *sim, const struct nv_ring *ring,
                                  uint32_t index) {
    return sim->cbuf + place(sim, ring, ring->read + index);
}
