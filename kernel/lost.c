// SPDX-License-Identifier: GPL-2.0
/*
 * A device that no server serves: how long it waits, and what it does then.
 *
 *   no connection is up	for LOST_SECONDS: what the policy says
 *   the session ended	at once: the policy, and with "queue" I/O fails, too
 *
 * The end of a session is final: nothing but a new login can bring its image
 * back, so there is nothing to wait for.  Whose word that is:
 *
 *  1. One server's is enough, as a session belongs to the farm and the other
 *     servers may be dead for good.
 *  2. It counts only while no connection is up.  A server that is confused, or
 *     wants harm, ends no device that another one serves.
 *  3. Unless all servers say so, the others have VDISK_ENDED_S from the moment
 *     the last connection went: one that is just being restarted is not passed
 *     over.
 *  4. It counts as long as it is the server's last word.  A new token takes it
 *     back, and the device waits as one that has lost its servers.
 *
 * dev->lost_work does all of it.  It looks at things as they are when it runs,
 * so it may be queued once too often and never harms.
 */
#include <linux/reboot.h>
#include "device_priv.h"
#include "netlink.h"

enum lost_limits {
	VDISK_ENDED_S	= 10,	/* for the servers that did not say that it ended */
};

enum verdict { KEEP_WAITING, REVIVE, END, GIVE_UP, RESTART };

static unsigned long policy_over(const struct vdisk_device *dev)
{
	return dev->lost_since + dev->cfg.lost_seconds * HZ;
}

static bool policy_counts(const struct vdisk_device *dev)
{
	return dev->cfg.lost != VDISK_LOST_QUEUE && !dev->given_up && !dev->ended;
}

/* @said: of how many servers it is the last word. */
static unsigned long ended_over(const struct vdisk_device *dev, unsigned int said)
{
	return dev->lost_since + (said < dev->src->nr_paths ? VDISK_ENDED_S * HZ : 0);
}

void vdisk_lost_arm(struct vdisk_device *dev)
{
	unsigned int said = vdisk_source_ended(dev->src, NULL);
	bool ends = said && !dev->ended;
	unsigned long over = 0;

	lockdep_assert_held(&dev->lock);
	if (policy_counts(dev))
		over = policy_over(dev);
	if (ends && (!policy_counts(dev) || time_before(ended_over(dev, said), over)))
		over = ended_over(dev, said);
	/* who detaches has had enough of it: no reason to restart the machine */
	if (!dev->lost || dev->stopping || !(ends || policy_counts(dev)))
		cancel_delayed_work(&dev->lost_work);
	else
		mod_delayed_work(vdisk_wq, &dev->lost_work, max_t(long, over - jiffies, 0));
}

u32 vdisk_lost_state(const struct vdisk_device *dev)
{
	lockdep_assert_held(&dev->lock);
	return dev->ended ? VDISK_STATE_ENDED : dev->lost ? VDISK_STATE_LOST : VDISK_STATE_READY;
}

static bool tells(const struct vdisk_device *dev)
{
	return dev->published && dev->state != VDISK_STATE_DETACHING;
}

/*
 * Connections come and go in threads of their own.  Each calls this after it
 * counted itself, so whoever comes here last sees the count as it is.
 */
void vdisk_device_source_changed(struct vdisk_device *dev)
{
	bool lost, tell;

	mutex_lock(&dev->news);
	spin_lock_bh(&dev->lock);
	lost = !READ_ONCE(dev->src->up);
	tell = lost != dev->lost && tells(dev);
	if (lost && !dev->lost)
		dev->lost_since = jiffies;
	dev->lost = lost;
	if (!lost) {
		dev->given_up = false;
		dev->ended = false;
	}
	if (tell)
		dev->state = vdisk_lost_state(dev);
	vdisk_lost_arm(dev);
	spin_unlock_bh(&dev->lock);
	if (tell)
		vdisk_device_event(dev, lost ? VDISK_EVENT_LOST : VDISK_EVENT_BACK, NULL);
	mutex_unlock(&dev->news);
	wake_up(&dev->wait);
}

void vdisk_device_path_changed(struct vdisk_device *dev)
{
	spin_lock_bh(&dev->lock);
	vdisk_lost_arm(dev);
	spin_unlock_bh(&dev->lock);
	wake_up(&dev->wait);
}

void vdisk_lost_renewed(struct vdisk_device *dev)
{
	spin_lock_bh(&dev->lock);
	if (dev->ended && !dev->stopping)
		mod_delayed_work(vdisk_wq, &dev->lost_work, 0);
	spin_unlock_bh(&dev->lock);
}

/* What it comes to now; the state is changed with the decision. */
static enum verdict judge(struct vdisk_device *dev)
{
	unsigned int said = vdisk_source_ended(dev->src, NULL);
	enum verdict verdict = KEEP_WAITING;

	lockdep_assert_held(&dev->lock);
	if (!dev->lost || READ_ONCE(dev->src->up) || dev->stopping)
		return KEEP_WAITING;
	if (dev->ended && !said) {
		dev->ended = false;
		dev->given_up = false;
		dev->lost_since = jiffies;
		verdict = REVIVE;
	} else if (said && !dev->ended && time_after_eq(jiffies, ended_over(dev, said))) {
		vdisk_source_ended(dev->src, dev->ended_words);
		dev->ended = true;
		verdict = dev->cfg.lost == VDISK_LOST_REBOOT ? RESTART : END;
	} else if (policy_counts(dev) && time_after_eq(jiffies, policy_over(dev))) {
		dev->given_up = true;
		verdict = dev->cfg.lost == VDISK_LOST_REBOOT ? RESTART : GIVE_UP;
	}
	if (verdict == GIVE_UP && dev->state != VDISK_STATE_DETACHING)
		dev->state = VDISK_STATE_FAILED;
	else if (verdict != KEEP_WAITING && tells(dev))
		dev->state = vdisk_lost_state(dev);
	vdisk_lost_arm(dev);
	return verdict;
}

/* The server's words as everybody may see them. */
static void ended_words(struct vdisk_device *dev, char *words)
{
	vdisk_netlink_clean(words, VDISK_HS_TEXT, dev->ended_words, false);
}

static void restart(struct vdisk_device *dev)
{
	char words[VDISK_HS_TEXT];

	ended_words(dev, words);
	if (dev->ended)
		pr_emerg("vdisk%u: %s: restarting the machine\n", dev->number, words);
	else
		pr_emerg("vdisk%u: no server for %u s: restarting the machine\n", dev->number,
			 dev->cfg.lost_seconds);
	emergency_restart();
}

static void end(struct vdisk_device *dev)
{
	char words[VDISK_HS_TEXT];

	ended_words(dev, words);
	pr_err("vdisk%u: %s\n", dev->number, words);
	vdisk_source_offline(dev->src, true);
	vdisk_device_event(dev, VDISK_EVENT_ENDED, words);
}

static void lost_worker(struct work_struct *work)
{
	struct vdisk_device *dev = container_of(work, struct vdisk_device, lost_work.work);
	enum verdict verdict;

	mutex_lock(&dev->news);
	spin_lock_bh(&dev->lock);
	verdict = judge(dev);
	spin_unlock_bh(&dev->lock);
	switch (verdict) {
	case KEEP_WAITING:
		break;
	case REVIVE:
		vdisk_source_revive(dev->src);
		vdisk_device_event(dev, VDISK_EVENT_LOST, NULL);
		break;
	case END:
		end(dev);
		break;
	case GIVE_UP:
		pr_err("vdisk%u: no server for %u s: failing I/O\n", dev->number,
		       dev->cfg.lost_seconds);
		vdisk_source_offline(dev->src, false);
		vdisk_device_event(dev, VDISK_EVENT_GIVEN_UP, NULL);
		break;
	case RESTART:
		restart(dev);
		break;
	}
	mutex_unlock(&dev->news);
}

void vdisk_lost_init(struct vdisk_device *dev)
{
	INIT_DELAYED_WORK(&dev->lost_work, lost_worker);
}

void vdisk_lost_stop(struct vdisk_device *dev)
{
	cancel_delayed_work_sync(&dev->lost_work);
}
