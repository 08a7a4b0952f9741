package seed

import (
	"bytes"
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/models"
)

// backdate gives what has no other's id one of the time that it tells of: the use-cases made it now,
// and a plan of deliveries reads times from ids.
func (o *outboundRows) backdate(ctx context.Context, tx *gorm.DB) error {
	made, err := gorm.G[models.Message](tx).Select("id", "created_at").
		Where("event_type LIKE 'api_key.%' OR event_type LIKE 'endpoint.%'").Order("id").Find(ctx)
	if err != nil {
		return fmt.Errorf("select messages: %w", err)
	}
	for _, m := range made {
		if err := renameMessage(ctx, tx, m.ID, idAt(o.rnd, m.CreatedAt.Time)); err != nil {
			return err
		}
	}
	return o.backdateUpdates(ctx, tx)
}

// backdateUpdates does the same for the updates of organisations, whose ids their messages bear.
func (o *outboundRows) backdateUpdates(ctx context.Context, tx *gorm.DB) error {
	made, err := gorm.G[models.ProductOrgUpdate](tx).Select("id", "received_at").Order("id").Find(ctx)
	if err != nil {
		return fmt.Errorf("select updates of organisations: %w", err)
	}
	ids := map[string]string{} // new by old
	for _, u := range made {
		id := idAt(o.rnd, u.ReceivedAt.Time)
		ids[u.ID] = id
		if err := tx.WithContext(ctx).Exec("UPDATE product_org_updates SET id = ? WHERE id = ?", id, u.ID).Error; err != nil {
			return fmt.Errorf("backdate an update of an organisation: %w", err)
		}
		if err := renameMessage(ctx, tx, u.ID, id); err != nil {
			return err
		}
	}
	if err := renameInBodies(ctx, tx, ids); err != nil {
		return err
	}
	return renameInOrgs(ctx, tx, ids)
}

func renameMessage(ctx context.Context, tx *gorm.DB, from, to string) error {
	for _, sql := range []string{"UPDATE messages SET id = ? WHERE id = ?", "UPDATE deliveries SET message_id = ? WHERE message_id = ?"} {
		if err := tx.WithContext(ctx).Exec(sql, to, from).Error; err != nil {
			return fmt.Errorf("backdate a message: %w", err)
		}
	}
	return nil
}

// renameInBodies writes the new ids of updates into the messages that tell of them.
func renameInBodies(ctx context.Context, tx *gorm.DB, ids map[string]string) error {
	for from, to := range ids {
		m, err := gorm.G[models.Message](tx).Select("id", "body").Where("id = ?", to).Find(ctx)
		if err != nil {
			return fmt.Errorf("select the message of an update: %w", err)
		}
		for _, m := range m { // none, when nobody subscribed at its time
			body := bytes.ReplaceAll(m.Body, []byte(from), []byte(to))
			if _, err := gorm.G[models.Message](tx).Where("id = ?", m.ID).Update(ctx, "body", body); err != nil {
				return fmt.Errorf("backdate a body: %w", err)
			}
		}
	}
	return nil
}

// renameInOrgs writes the new ids of updates into the organisations that they changed.
func renameInOrgs(ctx context.Context, tx *gorm.DB, ids map[string]string) error {
	stored, err := gorm.G[models.ProductOrg](tx).Select("id", "fields", "last_update_id").Find(ctx)
	if err != nil {
		return fmt.Errorf("select organisations: %w", err)
	}
	for _, org := range stored {
		if org.LastUpdateID == nil {
			continue
		}
		for from, to := range ids {
			org.Fields = bytes.ReplaceAll(org.Fields, []byte(from), []byte(to))
		}
		last := ids[*org.LastUpdateID]
		change := models.ProductOrg{Fields: org.Fields, LastUpdateID: &last}
		if _, err := gorm.G[models.ProductOrg](tx).Where("id = ?", org.ID).Select("fields", "last_update_id").Updates(ctx, change); err != nil {
			return fmt.Errorf("backdate an organisation: %w", err)
		}
	}
	return nil
}
